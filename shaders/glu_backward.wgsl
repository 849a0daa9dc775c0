// d_gate = dh · up · act′(gate),  d_up = dh · act(gate), in place; without GATED d_up = dh · act′(up).
// gate_up E: with GATED [rows, 2 · width], gate, then up in each row, else [rows, width]. If E is f32, the gradients
// replace them, and d [rows, width] f32 is dh. Else d is f32 of the shape of gate_up: dh in the first `width` of each
// row, which d_gate replaces (without GATED d_up); d_up after it. One invocation per element of dh.
//#include lib/grid.wgsl
//#include lib/activation.wgsl
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
//#if GATED
  let gate = i + row * params.width;
  let up = gate + params.width;
  let a = activation(f32(gate_up[gate]));
//#if E == f32
  let dh = d[i];
  gate_up[gate] = dh * gate_up[up] * a.y;
  gate_up[up] = dh * a.x;
//#else
  let dh = d[gate];
  d[gate] = dh * f32(gate_up[up]) * a.y;
  d[up] = dh * a.x;
//#endif
//#else
  let slope = activation(f32(gate_up[i])).y;
//#if E == f32
  gate_up[i] = d[i] * slope;
//#else
  d[i] *= slope;
//#endif
//#endif
}
