// y[n] (+)= Σ_k x[k] · w[n, k] (+ bias[n]): the product of one row, in decoding. f32 sums in a fixed order.
// x A, w in any encoding of lib/weight.wgsl, y E. A workgroup makes ROWS of y: its threads stride over words of eight
// columns, so that x is read once for all of them.
//#include lib/elem.wgsl
//#include lib/grid.wgsl
//#include lib/weight.wgsl
alias A = f32;
const WG: u32 = 64;
const ROWS: u32 = 4;

struct Params {
  n: u32,
  k: u32,
  w_row: u32, // first row of w that is used, and first element of y and bias
  y_offset: u32,
  bias_offset: u32,
  accumulate: u32, // 1: y += …
}

@group(0) @binding(0) var<storage, read> x: array<A>;
@group(0) @binding(1) var<storage, read_write> y: array<E>;
@group(0) @binding(2) var<uniform> params: Params;
//#if BIAS
@group(0) @binding(3) var<storage, read> bias: array<f32>;
//#endif

var<workgroup> partial: array<f32, WG * ROWS>;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let row0 = flat_group(group, groups) * ROWS;
  if (row0 >= params.n) {
    return;
  }
  var sums = array<f32, ROWS>();
  for (var word = thread; word < (params.k + 7u) / 8u; word += WG) {
    var values = array<f32, 8>();
    for (var j = 0u; j < min(8u, params.k - word * 8u); j++) {
      values[j] = f32(x[word * 8u + j]);
    }
    for (var r = 0u; r < ROWS; r++) {
      // Values beyond the row's end meet zeros of x.
      let weights = load_w8(params.w_row + min(row0 + r, params.n - 1u), word, params.k);
      var sum = 0.0;
      for (var j = 0u; j < 8u; j++) {
        sum += values[j] * weights[j];
      }
      sums[r] += sum;
    }
  }
  for (var r = 0u; r < ROWS; r++) {
    partial[r * WG + thread] = sums[r];
  }
  workgroupBarrier();
  for (var half = WG / 2u; half > 0u; half /= 2u) {
    if (thread < half) {
      for (var r = 0u; r < ROWS; r++) {
        partial[r * WG + thread] += partial[r * WG + thread + half];
      }
    }
    workgroupBarrier();
  }
  let row = row0 + thread;
  if (thread < ROWS && row < params.n) {
    var value = partial[thread * WG];
//#if BIAS
    value += bias[params.bias_offset + row];
//#endif
    if (params.accumulate == 1u) {
      value += f32(y[params.y_offset + row]);
    }
    y[params.y_offset + row] = to_e(value);
  }
}
