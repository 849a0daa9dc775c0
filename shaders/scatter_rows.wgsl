// x[index[i], :] = y[i, :], each index at most once; other rows of x are left alone.
// y [rows, dim] E, index [rows] u32, x [·, dim] E. One workgroup per row.
//#include lib/grid.wgsl
alias E = f32;
const WG: u32 = 256;

struct Params {
  rows: u32,
  dim: u32,
}

@group(0) @binding(0) var<storage, read> y: array<E>;
@group(0) @binding(1) var<storage, read> index: array<u32>;
@group(0) @binding(2) var<storage, read_write> x: array<E>;
@group(0) @binding(3) var<uniform> params: Params;

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
  let target_start = index[row] * params.dim;
  for (var i = thread; i < params.dim; i += WG) {
    x[target_start + i] = y[row * params.dim + i];
  }
}
