// y[n] (+)= Σ_k x[k] · w[n, k] (+ bias[n]): the product of a single row, for decoding. f32 sums in an order that is
// fixed on a device.
// x A, w in any encoding of lib/weight.wgsl, y E. A workgroup computes ROWS of y: its threads stride over words of
// eight columns, so that x is read once for all of them.
//#include lib/elem.wgsl
//#include lib/grid.wgsl
//#include lib/weight.wgsl
alias A = f32;
const WG: u32 = 64;
const ROWS: u32 = 4;

struct Params {
  n: u32,
  k: u32,
  w_row: u32, // first row of w, and first element of y and bias
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
  // Registers are indexed by constants, so that they are registers on every GPU.
  var sums = array<f32, ROWS>();
  for (var word = thread; word < (params.k + 7u) / 8u; word += WG) {
    var values = array<f32, 8>();
//#for J 8
    if (word * 8u + J < params.k) {
      values[J] = f32(x[word * 8u + J]);
    }
//#end
//#for R ROWS
    {
      // Values past the row's end are multiplied by zeros of x.
      let weights = load_w8(params.w_row + min(row0 + R, params.n - 1u), word, params.k);
      var sum = 0.0;
//#for J 8
      sum += values[J] * weights[J];
//#end
      sums[R] += sum;
    }
//#end
  }
//#if SUM_IN_SUBGROUPS
  // As in lib/reduce.wgsl, for ROWS sums at once.
  let lane = subgroupExclusiveAdd(1u);
  let lanes = subgroupAdd(1u);
//#for R ROWS
  let own_R = subgroupAdd(sums[R]);
  partial[R * WG + thread] = select(0.0, own_R, lane == 0u);
//#end
  workgroupBarrier();
//#for R ROWS
  var rest_R = 0.0;
//#end
  for (var i = lane; i < WG; i += lanes) {
//#for R ROWS
    rest_R += partial[R * WG + i];
//#end
  }
  // Thread R keeps the sum of row R.
  var total = 0.0;
//#for R ROWS
  total = select(total, subgroupAdd(rest_R), thread == R);
//#end
//#else
//#for R ROWS
  partial[R * WG + thread] = sums[R];
//#end
  workgroupBarrier();
  for (var half = WG / 2u; half > 0u; half /= 2u) {
    if (thread < half) {
      for (var r = 0u; r < ROWS; r++) {
        partial[r * WG + thread] += partial[r * WG + thread + half];
      }
    }
    workgroupBarrier();
  }
//#endif
  let row = row0 + thread;
  if (thread < ROWS && row < params.n) {
//#if SUM_IN_SUBGROUPS
    var value = total;
//#else
    var value = partial[thread * WG];
//#endif
//#if BIAS
    value += bias[params.bias_offset + row];
//#endif
    if (params.accumulate == 1u) {
      value += f32(y[params.y_offset + row]);
    }
    y[params.y_offset + row] = to_e(value);
  }
}
