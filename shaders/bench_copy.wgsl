// copied = source, EACH times 16 bytes per invocation: measures memory bandwidth. source, copied [count] vec4.
//#include lib/grid.wgsl
const EACH: u32 = 1;
const WG: u32 = 256;

struct Params {
  count: u32,
}

@group(0) @binding(0) var<storage, read> source: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> copied: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let first = flat_group(group, groups) * WG * EACH + thread;
  for (var each = 0u; each < EACH; each++) {
    let i = first + each * WG;
    if (i < params.count) {
      copied[i] = source[i];
    }
  }
}
