// stats[index] = sqrt(Σ partials²), infinity if any of them is not finite. One workgroup.
// partials [count] f32 ≥ 0 and stats f32, handled as bits where WGSL may assume finite values.
//#include lib/finite.wgsl
//#include lib/reduce.wgsl

struct Params {
  count: u32,
  index: u32,
}

@group(0) @binding(0) var<storage, read> partials: array<u32>;
@group(0) @binding(1) var<storage, read_write> stats: array<u32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(@builtin(local_invocation_index) thread: u32) {
  var own_max = 0.0;
  var own_broken = 0.0;
  for (var i = thread; i < params.count; i += WG) {
    if (is_finite(partials[i])) {
      own_max = max(own_max, bitcast<f32>(partials[i]));
    } else {
      own_broken += 1.0;
    }
  }
  let broken = workgroup_sum(own_broken, thread);
  let largest = workgroup_max(own_max, thread);
  // Relative to the largest, so that squares neither overflow nor underflow.
  var own = 0.0;
  if (largest > 0.0 && broken == 0.0) {
    for (var i = thread; i < params.count; i += WG) {
      let share = bitcast<f32>(partials[i]) / largest;
      own += share * share;
    }
  }
  let total = workgroup_sum(own, thread);
  if (thread == 0u) {
    stats[params.index] = select(bitcast<u32>(largest * sqrt(total)), INFINITY_BITS, broken > 0.0);
  }
}
