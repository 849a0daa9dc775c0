// h = silu(gate) · up, silu(g) = g · σ(g). gate, up, h [count] E. One invocation an element.
//#include lib/elem.wgsl
//#include lib/grid.wgsl
//#include lib/sigmoid.wgsl
const WG: u32 = 256;

struct Params {
  count: u32,
}

@group(0) @binding(0) var<storage, read> gate: array<E>;
@group(0) @binding(1) var<storage, read> up: array<E>;
@group(0) @binding(2) var<storage, read_write> h: array<E>;
@group(0) @binding(3) var<uniform> params: Params;

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
  let g = f32(gate[i]);
  h[i] = to_e(g * sigmoids(g).x * f32(up[i]));
}
