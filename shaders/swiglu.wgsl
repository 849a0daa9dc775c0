// h = silu(gate) · up, silu(g) = g · σ(g). gate_up [rows, 2 · width] E: gate, then up; h [rows, width] E.
// One invocation an element of h.
//#include lib/elem.wgsl
//#include lib/grid.wgsl
//#include lib/sigmoid.wgsl
const WG: u32 = 128;

struct Params {
  rows: u32,
  width: u32,
}

@group(0) @binding(0) var<storage, read> gate_up: array<E>;
@group(0) @binding(1) var<storage, read_write> h: array<E>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = row_group(group, groups);
  let column = group.x * WG + thread;
  if (row >= params.rows || column >= params.width) {
    return;
  }
  let i = row * params.width + column;
  let at = i + row * params.width;
  let g = f32(gate_up[at]);
  h[i] = to_e(g * sigmoids(g).x * f32(gate_up[at + params.width]));
}
