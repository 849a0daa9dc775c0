// y[t, :] = MULTIPLIER · W[tokens[t], :] for the tokens whose row is in this chunk of W; other rows of y are left alone.
// w [row_count, cols] of the chunk, tokens [rows] u32, y [rows, cols] f32. One workgroup per token.
//#include lib/grid.wgsl
//#include lib/weight.wgsl
const WG: u32 = 256;
const MULTIPLIER: f32 = 1.0;

struct Params {
  rows: u32,
  cols: u32,
  row_start: u32, // first row of W in the chunk
  row_count: u32,
}

@group(0) @binding(0) var<storage, read> tokens: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = flat_group(group, groups);
  if (row >= params.rows) {
    return;
  }
  let chunk_row = tokens[row] - params.row_start; // wraps to above row_count for tokens before the chunk
  if (chunk_row >= params.row_count) {
    return;
  }
  for (var i = thread; i < params.cols; i += WG) {
    y[row * params.cols + i] = MULTIPLIER * load_w(chunk_row, i, params.cols);
  }
}
