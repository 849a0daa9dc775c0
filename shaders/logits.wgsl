// The head's products [count] f32 become logits, in place (lib/logit.wgsl). One invocation per element.
//#include lib/grid.wgsl
//#include lib/logit.wgsl
const WG: u32 = 256;

struct Params {
  count: u32,
}

@group(0) @binding(0) var<storage, read_write> logits: array<f32>;
@group(0) @binding(1) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let i = flat_group(group, groups) * WG + thread;
  if (i < params.count) {
    logits[i] = logit_of(logits[i]);
  }
}
