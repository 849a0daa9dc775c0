// Sum and maximum over a workgroup of WG threads (a power of two), the same on every thread, in an order that is fixed
// on a device.
const WG: u32 = 64;

var<workgroup> reduce_scratch: array<f32, WG>;

const REDUCE_STRIDE: u32 = min(WG, 16u);

// In subgroups: of any sizes, however the threads are spread over them. The first thread of each leaves its subgroup's
// result in workgroup memory, the others what changes nothing, and each subgroup reduces all of that.
// In memory: two rounds of short serial sums rather than a tree, with three barriers instead of one per halving.
//#if SUM_IN_SUBGROUPS
fn workgroup_sum(value: f32, thread: u32) -> f32 {
  let own = subgroupAdd(value);
  let lane = subgroupExclusiveAdd(1u);
  let lanes = subgroupAdd(1u);
  workgroupBarrier();
  reduce_scratch[thread] = select(0.0, own, lane == 0u);
  workgroupBarrier();
  var rest = 0.0;
  for (var i = lane; i < WG; i += lanes) {
    rest += reduce_scratch[i];
  }
  return subgroupAdd(rest);
}
//#else
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
//#endif

//#if MAX_IN_SUBGROUPS
fn workgroup_max(value: f32, thread: u32) -> f32 {
  let lane = subgroupExclusiveAdd(1u);
  let lanes = subgroupAdd(1u);
  workgroupBarrier();
  reduce_scratch[thread] = subgroupMax(value);
  workgroupBarrier();
  var largest = reduce_scratch[lane];
  for (var i = lane + lanes; i < WG; i += lanes) {
    largest = max(largest, reduce_scratch[i]);
  }
  return subgroupMax(largest);
}
//#else
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
//#endif
