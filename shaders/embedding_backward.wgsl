// dw[token, :] += MULTIPLIER · Σ dy[t, :] over the positions t of a token, for the tokens whose row is in this chunk of dw. Without
// atomics: positions are sorted by token, and one workgroup sums those of one token in order.
// dy [rows, cols] f32; tokens [unique] u32; starts [unique + 1] u32: token i has places[starts[i]] … places[starts[i +
// 1] − 1]; dw [row_count, cols] f32.
//#include lib/grid.wgsl
const WG: u32 = 64;
const MULTIPLIER: f32 = 1.0;

struct Params {
  unique: u32,
  cols: u32,
  row_start: u32, // first row of the matrix in the chunk
  row_count: u32,
}

@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read> tokens: array<u32>;
@group(0) @binding(2) var<storage, read> starts: array<u32>;
@group(0) @binding(3) var<storage, read> places: array<u32>;
@group(0) @binding(4) var<storage, read_write> dw: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let i = flat_group(group, groups);
  if (i >= params.unique) {
    return;
  }
  let row = tokens[i] - params.row_start; // wraps to above row_count for tokens before the chunk
  if (row >= params.row_count) {
    return;
  }
  for (var col = thread; col < params.cols; col += WG) {
    var sum = dw[row * params.cols + col];
    for (var p = starts[i]; p < starts[i + 1u]; p++) {
      sum += MULTIPLIER * dy[places[p] * params.cols + col];
    }
    dw[row * params.cols + col] = sum;
  }
}
