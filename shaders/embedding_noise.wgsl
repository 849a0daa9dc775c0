// y[t, c] += alpha / sqrt(L · columns) · u with u uniform in −1 … 1 and L the length of the segment of token t.
// y [count / columns, columns] f32, segment_start and segment_end [count / columns]. One invocation per element.
//#include lib/grid.wgsl
//#include lib/pcg.wgsl
const WG: u32 = 256;

struct Params {
  count: u32,
  columns: u32,
  seed: u32,
  alpha: f32,
}

@group(0) @binding(0) var<storage, read> segment_start: array<u32>;
@group(0) @binding(1) var<storage, read> segment_end: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
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
  let token = i / params.columns;
  let length = f32(segment_end[token] - segment_start[token]);
  // 24 bits: f32 holds them exactly.
  let u = f32(random_bits(params.seed, i) >> 8u) / 8388608.0 - 1.0;
  y[i] += params.alpha / sqrt(length * f32(params.columns)) * u;
}
