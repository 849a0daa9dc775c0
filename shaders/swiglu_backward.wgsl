// d_gate = dh · up · σ(g) · (1 + g · σ(−g)),  d_up = dh · g · σ(g)  with g = gate, in place.
// gate_up [rows, 2 · width] E: gate, then up in each row. Where E is f32, the gradients replace them, and d [rows, width]
// f32 is dh. Else d is [rows, 2 · width] f32: dh in the first half of each row, which d_gate replaces; d_up in the second.
// One invocation an element of dh.
//#include lib/grid.wgsl
//#include lib/sigmoid.wgsl
alias E = f32;
const WG: u32 = 128;

struct Params {
  rows: u32,
  width: u32,
}

//#if E == f32
@group(0) @binding(0) var<storage, read_write> gate_up: array<f32>;
@group(0) @binding(1) var<storage, read> d: array<f32>;
//#else
@group(0) @binding(0) var<storage, read> gate_up: array<E>;
@group(0) @binding(1) var<storage, read_write> d: array<f32>;
//#endif
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
  let gate = i + row * params.width;
  let up = gate + params.width;
  let g = f32(gate_up[gate]);
  let s = sigmoids(g);
//#if E == f32
  let dh = d[i];
  gate_up[gate] = dh * gate_up[up] * s.x * (1.0 + g * s.y);
  gate_up[up] = dh * g * s.x;
//#else
  let dh = d[gate];
  d[gate] = dh * f32(gate_up[up]) * s.x * (1.0 + g * s.y);
  d[up] = dh * g * s.x;
//#endif
}
