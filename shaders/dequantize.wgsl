// Dequantizes rows row_start … row_start + rows − 1 of w (lib/weight.wgsl) to f32 out [·, cols], from its row out_row
// on. One invocation per eight columns.
//#include lib/grid.wgsl
//#include lib/weight.wgsl
const WG: u32 = 256;

struct Params {
  rows: u32,
  cols: u32,
  row_start: u32,
  out_row: u32,
}

@group(0) @binding(0) var<storage, read_write> out: array<f32>;
@group(0) @binding(1) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let i = flat_group(group, groups) * WG + thread;
  let words = (params.cols + 7u) / 8u;
  let row = i / words;
  let word = i % words;
  if (row >= params.rows) {
    return;
  }
  let values = load_w8(params.row_start + row, word, params.cols);
//#for J 8
  if (word * 8u + J < params.cols) {
    out[(params.out_row + row) * params.cols + word * 8u + J] = values[J];
  }
//#end
}
