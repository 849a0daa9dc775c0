// y = o · σ(gate) for each head of attention (Qwen3.5): o and y [rows, HEADS, D] E; raw E, rows of `stride` elements, holds
// the gate of each head behind its query. One invocation per element of y.
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
@group(0) @binding(2) var<storage, read_write> y: array<E>;
@group(0) @binding(3) var<uniform> params: Params;

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
  let gate = f32(raw[row * params.stride + (column / D * 2u + 1u) * D + column % D]);
  y[at] = to_e(f32(o[at]) * sigmoids(gate).x);
}
