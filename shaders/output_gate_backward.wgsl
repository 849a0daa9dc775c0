// The gradient of output_gate.wgsl: do = dy · σ(gate), in place of dy, and dgate = dy · o · σ′(gate), into d_raw f32 in the
// layout of raw. d [rows, HEADS, D] f32. One invocation per element.
//#include lib/elem.wgsl
//#include lib/grid.wgsl
//#include lib/sigmoid.wgsl
const WG: u32 = 128;
const HEADS: u32 = 2;
const D: u32 = 8;

struct Params {
  rows: u32,
  stride: u32,
}

@group(0) @binding(0) var<storage, read> o: array<E>;
@group(0) @binding(1) var<storage, read> raw: array<E>;
@group(0) @binding(2) var<storage, read_write> d: array<f32>;
@group(0) @binding(3) var<storage, read_write> d_raw: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = row_group(group, groups);
  let column = group.x * WG + thread;
  if (row >= params.rows || column >= HEADS * D) {
    return;
  }
  let at = row * HEADS * D + column;
  let gate_at = row * params.stride + (column / D * 2u + 1u) * D + column % D;
  let s = sigmoids(f32(raw[gate_at]));
  let dy = d[at];
  d[at] = dy * s.x;
  d_raw[gate_at] = dy * f32(o[at]) * s.x * s.y;
}
