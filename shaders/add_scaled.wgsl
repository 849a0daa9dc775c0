// y = SCALE · x, with ACCUMULATE y += SCALE · x, with RESIDUAL y = residual + SCALE · x.
// x [count] X, y [count] E, residual [count] f32. One invocation per element.
//#include lib/elem.wgsl
//#include lib/grid.wgsl
alias X = f32;
const WG: u32 = 256;
const SCALE: f32 = 1.0;

struct Params {
  count: u32,
}

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read_write> y: array<E>;
@group(0) @binding(2) var<uniform> params: Params;
//#if RESIDUAL
@group(0) @binding(3) var<storage, read> residual: array<f32>;
//#endif

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let i = flat_group(group, groups) * WG + thread;
  if (i >= params.count) {
    return;
  }
  var value = SCALE * f32(x[i]);
//#if RESIDUAL
  value += residual[i];
//#endif
//#if ACCUMULATE
  value += f32(y[i]);
//#endif
  y[i] = to_e(value);
}
