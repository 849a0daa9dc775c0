// partials[g] = sqrt(Σ grads[i]²) over the elements that workgroup g visits, infinity if any of them is not finite.
// grads [count] f32, partials [workgroups] f32. Both are handled as bits where WGSL may assume finite values.
//#include lib/finite.wgsl
//#include lib/reduce.wgsl
// Squares of gradients above LARGE are summed scaled by DOWN², so that no sum of 2^32 squares overflows.
const LARGE: f32 = 1.0e14;
const DOWN: f32 = 5.169878828456423e-26; // 2^-84
const UP: f32 = 1.9342813113834067e25; // 2^84

struct Params {
  count: u32,
}

@group(0) @binding(0) var<storage, read> grads: array<u32>;
@group(0) @binding(1) var<storage, read_write> partials: array<u32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  var own = 0.0;
  var own_large = 0.0; // Σ (grad · DOWN)² of the large gradients
  var own_broken = 0.0; // number of gradients that are not finite
  for (var i = group.x * WG + thread; i < params.count; i += groups.x * WG) {
    let bits = grads[i];
    if (!is_finite(bits)) {
      own_broken += 1.0;
    } else {
      let value = bitcast<f32>(bits);
      if (abs(value) > LARGE) {
        let scaled = value * DOWN;
        own_large += scaled * scaled;
      } else {
        own += value * value;
      }
    }
  }
  let broken = workgroup_sum(own_broken, thread);
  let large = workgroup_sum(own_large, thread);
  let total = workgroup_sum(own, thread);
  if (thread == 0u) {
    var norm = sqrt(total);
    if (large > 0.0) {
      // Not total · DOWN · DOWN: a compiler may evaluate DOWN² first, which is 0 in f32.
      let large_norm = sqrt(large) * UP;
      let ratio = norm / large_norm;
      norm = large_norm * sqrt(1.0 + ratio * ratio);
    }
    partials[group.x] = select(bitcast<u32>(norm), INFINITY_BITS, broken > 0.0);
  }
}
