// partials[g] = Σ x[i] over the elements that workgroup g visits. x [count] f32, partials [workgroups] f32.
//#include lib/reduce.wgsl

struct Params {
  count: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> partials: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  var own = 0.0;
  for (var i = group.x * WG + thread; i < params.count; i += groups.x * WG) {
    own += x[i];
  }
  let total = workgroup_sum(own, thread);
  if (thread == 0u) {
    partials[group.x] = total;
  }
}
