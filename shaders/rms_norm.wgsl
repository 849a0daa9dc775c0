// y[t, :] = x[t, :] · rstd[t] · (OFFSET + weight),  rstd[t] = 1 / sqrt(mean(x[t, :]²) + eps); with RESIDUAL + residual,
// with WEIGHTLESS without the factor of the weight.
// x [rows, dim] X, weight [dim] f32, y [rows, dim] E, residual [rows, dim] f32, rstd [rows] f32. One workgroup per row.
//#include lib/elem.wgsl
//#include lib/grid.wgsl
//#include lib/reduce.wgsl
alias X = f32;
const OFFSET: f32 = 0.0;

struct Params {
  rows: u32,
  dim: u32,
  eps: f32,
}

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read_write> y: array<E>;
@group(0) @binding(2) var<storage, read_write> rstd: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;
//#if !WEIGHTLESS
@group(0) @binding(4) var<storage, read> weight: array<f32>;
//#endif
//#if RESIDUAL
@group(0) @binding(5) var<storage, read> residual: array<f32>;
//#endif

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
  let start = row * params.dim;
  var squares = 0.0;
  for (var i = thread; i < params.dim; i += WG) {
    let value = f32(x[start + i]);
    squares += value * value;
  }
  let scale = inverseSqrt(workgroup_sum(squares, thread) / f32(params.dim) + params.eps);
  for (var i = thread; i < params.dim; i += WG) {
    var value = f32(x[start + i]) * scale;
//#if !WEIGHTLESS
    value *= OFFSET + weight[i];
//#endif
//#if RESIDUAL
    value += residual[start + i];
//#endif
    y[start + i] = to_e(value);
  }
  if (thread == 0u) {
    rstd[row] = scale;
  }
}
