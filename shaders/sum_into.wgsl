// stats[index] (+)= Σ x. x [count] f32, stats f32. One workgroup.
//#include lib/reduce.wgsl

struct Params {
  count: u32,
  index: u32,
  accumulate: u32, // 1: stats[index] += …, 0: stats[index] = …
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> stats: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(@builtin(local_invocation_index) thread: u32) {
  var own = 0.0;
  for (var i = thread; i < params.count; i += WG) {
    own += x[i];
  }
  var total = workgroup_sum(own, thread);
  if (thread == 0u) {
    if (params.accumulate == 1u) {
      total += stats[params.index];
    }
    stats[params.index] = total;
  }
}
