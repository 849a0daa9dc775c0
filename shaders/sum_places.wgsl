// y[row, :] = Σ_j x[places[row · top + j], :], in the order of j; ACCUMULATE adds to y, RESIDUAL to another
// tensor. All f32 of `dim` columns. One
// invocation per element of y.
//#include lib/grid.wgsl
const WG: u32 = 128;

struct Params {
  rows: u32,
  dim: u32,
  top: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> places: array<u32>; // [rows, top]
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;
//#if RESIDUAL
@group(0) @binding(4) var<storage, read> residual: array<f32>;
//#endif

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = row_group(group, groups);
  let column = group.x * WG + thread;
  if (row >= params.rows || column >= params.dim) {
    return;
  }
  var sum = 0.0;
//#if ACCUMULATE
  sum = y[row * params.dim + column];
//#endif
//#if RESIDUAL
  sum = residual[row * params.dim + column];
//#endif
  for (var j = 0u; j < params.top; j++) {
    sum += x[places[row * params.top + j] * params.dim + column];
  }
  y[row * params.dim + column] = sum;
}
