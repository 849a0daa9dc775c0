// Of rows of W [rows, cols] with LoRA: norms[n] = ‖W[n] + scale · b[n] · a‖₂ and factors[n] = magnitudes[n] / norms[n],
// by which DoRA multiplies the outputs of the layer.
// W in any encoding of lib/weight.wgsl; a [rank, cols], b [rows, rank], magnitudes [rows] f32, norms and factors f32. A
// workgroup computes a row: its threads stride over words of eight columns.
//#include lib/grid.wgsl
//#include lib/reduce.wgsl
//#include lib/weight.wgsl

struct Params {
  rows: u32,
  cols: u32,
  rank: u32,
  w_row: u32, // first row of w
  row: u32, // first row of b and magnitudes
  out: u32, // first element of norms and factors
  scale: f32,
}

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read> magnitudes: array<f32>;
@group(0) @binding(3) var<storage, read_write> norms: array<f32>;
@group(0) @binding(4) var<storage, read_write> factors: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let n = flat_group(group, groups);
  if (n >= params.rows) {
    return;
  }
  var squares = 0.0;
  for (var word = thread; word < (params.cols + 7u) / 8u; word += WG) {
    let weights = load_w8(params.w_row + n, word, params.cols);
    var update = array<f32, 8>();
    for (var k = 0u; k < params.rank; k++) {
      let factor = b[(params.row + n) * params.rank + k];
      // Past the end of a row is the next one, or nothing: neither counts.
      let at = k * params.cols + word * 8u;
//#for J 8
      update[J] += factor * a[at + J];
//#end
    }
//#for J 8
    if (word * 8u + J < params.cols) {
      let value = weights[J] + params.scale * update[J];
      squares += value * value;
    }
//#end
  }
  let norm = sqrt(workgroup_sum(squares, thread));
  if (thread == 0u) {
    norms[params.out + n] = norm;
    factors[params.out + n] = magnitudes[params.row + n] / norm;
  }
}
