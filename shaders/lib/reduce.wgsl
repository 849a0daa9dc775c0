// Sum and maximum over a workgroup of WG threads (a power of two), the same on every thread, in a fixed order.
// Two rounds of short serial sums rather than a tree: three barriers instead of one for each halving.
const WG: u32 = 64;
const REDUCE_STRIDE: u32 = min(WG, 16u);

var<workgroup> reduce_scratch: array<f32, WG>;

fn workgroup_sum(value: f32, thread: u32) -> f32 {
  workgroupBarrier();
  reduce_scratch[thread] = value;
  workgroupBarrier();
  if (thread < REDUCE_STRIDE) {
    var part = reduce_scratch[thread];
    for (var i = thread + REDUCE_STRIDE; i < WG; i += REDUCE_STRIDE) {
      part += reduce_scratch[i];
    }
    reduce_scratch[thread] = part;
  }
  workgroupBarrier();
  var sum = reduce_scratch[0];
  for (var i = 1u; i < REDUCE_STRIDE; i++) {
    sum += reduce_scratch[i];
  }
  return sum;
}

fn workgroup_max(value: f32, thread: u32) -> f32 {
  workgroupBarrier();
  reduce_scratch[thread] = value;
  workgroupBarrier();
  if (thread < REDUCE_STRIDE) {
    var part = reduce_scratch[thread];
    for (var i = thread + REDUCE_STRIDE; i < WG; i += REDUCE_STRIDE) {
      part = max(part, reduce_scratch[i]);
    }
    reduce_scratch[thread] = part;
  }
  workgroupBarrier();
  var largest = reduce_scratch[0];
  for (var i = 1u; i < REDUCE_STRIDE; i++) {
    largest = max(largest, reduce_scratch[i]);
  }
  return largest;
}
