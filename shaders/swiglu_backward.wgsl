// d_gate = dh · up · σ(g) · (1 + g · σ(−g)),  d_up = dh · g · σ(g)  with g = gate.
// dh, d_gate, d_up [count] f32; gate, up [count] E. One invocation an element.
//#include lib/grid.wgsl
//#include lib/sigmoid.wgsl
alias E = f32;
const WG: u32 = 256;

struct Params {
  count: u32,
}

@group(0) @binding(0) var<storage, read> dh: array<f32>;
@group(0) @binding(1) var<storage, read> gate: array<E>;
@group(0) @binding(2) var<storage, read> up: array<E>;
@group(0) @binding(3) var<storage, read_write> d_gate: array<f32>;
@group(0) @binding(4) var<storage, read_write> d_up: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

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
  let s = sigmoids(g);
  d_gate[i] = dh[i] * f32(up[i]) * s.x * (1.0 + g * s.y);
  d_up[i] = dh[i] * g * s.x;
}
