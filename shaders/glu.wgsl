// h = act(gate) · up, without GATED h = act(up); with WEIGHED (and GATED) times the weight of the row's pair.
// gate_up E: with GATED [rows, 2 · width], gate, then up, else [rows, width]; h [rows, width] E. One invocation per
// element of h.
//#include lib/elem.wgsl
//#include lib/grid.wgsl
//#include lib/activation.wgsl
const WG: u32 = 128;

struct Params {
  rows: u32,
  width: u32,
}

@group(0) @binding(0) var<storage, read> gate_up: array<E>;
@group(0) @binding(1) var<storage, read_write> h: array<E>;
@group(0) @binding(2) var<uniform> params: Params;
//#if WEIGHED
@group(0) @binding(3) var<storage, read> weights: array<f32>;
@group(0) @binding(4) var<storage, read> pairs: array<u32>; // [rows]
//#endif

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
  let at = i + row * params.width;
  let value = activation(f32(gate_up[at])).x * f32(gate_up[at + params.width]);
//#if WEIGHED
  h[i] = to_e(weights[pairs[row]] * value);
//#else
  h[i] = to_e(value);
//#endif
//#else
  h[i] = to_e(activation(f32(gate_up[i])).x);
//#endif
}
