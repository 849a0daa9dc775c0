// Sum over a workgroup of WG threads (a power of two), the same on every thread, in a fixed order.
const WG: u32 = 64;

var<workgroup> reduce_scratch: array<f32, WG>;

fn workgroup_sum(value: f32, thread: u32) -> f32 {
  workgroupBarrier();
  reduce_scratch[thread] = value;
  for (var half = WG / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) {
      reduce_scratch[thread] += reduce_scratch[thread + half];
    }
  }
  workgroupBarrier();
  return reduce_scratch[0];
}

fn workgroup_max(value: f32, thread: u32) -> f32 {
  workgroupBarrier();
  reduce_scratch[thread] = value;
  for (var half = WG / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) {
      reduce_scratch[thread] = max(reduce_scratch[thread], reduce_scratch[thread + half]);
    }
  }
  workgroupBarrier();
  return reduce_scratch[0];
}
