// With g = dy · (OFFSET + weight), or g = dy if WEIGHTLESS:  dx[t, :] += rstd · (g − x · rstd² · mean(g · x)). The
// weight is frozen.
// dy [rows, dim] f32, x [rows, dim] X, weight [dim], rstd [rows], dx [rows, dim] f32. One workgroup per row.
//#include lib/grid.wgsl
//#include lib/reduce.wgsl
alias X = f32;
const OFFSET: f32 = 0.0;

struct Params {
  rows: u32,
  dim: u32,
  accumulate: u32, // 1: dx += …, 0: dx = …
}

@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read> x: array<X>;
@group(0) @binding(2) var<storage, read> rstd: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;
//#if !WEIGHTLESS
@group(0) @binding(5) var<storage, read> weight: array<f32>;
//#endif

fn gradient(at: u32, column: u32) -> f32 {
//#if WEIGHTLESS
  return dy[at];
//#else
  return dy[at] * (OFFSET + weight[column]);
//#endif
}

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
  var dot = 0.0;
  for (var i = thread; i < params.dim; i += WG) {
    dot += gradient(start + i, i) * f32(x[start + i]);
  }
  let scale = rstd[row];
  let shift = workgroup_sum(dot, thread) / f32(params.dim) * scale * scale;
  for (var i = thread; i < params.dim; i += WG) {
    var value = scale * (gradient(start + i, i) - f32(x[start + i]) * shift);
    if (params.accumulate == 1u) {
      value += dx[start + i];
    }
    dx[start + i] = value;
  }
}
