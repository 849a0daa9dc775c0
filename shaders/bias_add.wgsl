// y[t, :] += bias. y [count / dim, dim] E, bias [dim] f32. One invocation an element.
//#include lib/elem.wgsl
//#include lib/grid.wgsl
const WG: u32 = 256;

struct Params {
  count: u32,
  dim: u32,
}

@group(0) @binding(0) var<storage, read> bias: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<E>;
@group(0) @binding(2) var<uniform> params: Params;

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
  y[i] = to_e(f32(y[i]) + bias[i % params.dim]);
}
