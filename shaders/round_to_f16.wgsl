// Packs f32 into f16, two per word, rounded to nearest even; what exceeds f16 saturates. One invocation per word.
//#include lib/grid.wgsl
//#include lib/round.wgsl
const WG: u32 = 256;

struct Params {
  count: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<uniform> params: Params;

fn half_of(i: u32) -> u32 {
  if (i >= params.count) {
    return 0u;
  }
  return round_to_f16(bitcast<u32>(clamp(x[i], -65504.0, 65504.0)));
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let i = flat_group(group, groups) * WG + thread;
  if (i * 2u < params.count) {
    y[i] = half_of(2u * i) | (half_of(2u * i + 1u) << 16u);
  }
}
