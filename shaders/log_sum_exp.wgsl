// Folds columns of the logits into the state of their rows: state[row] is the largest logit so far, Σ exp(logit −
// largest) and the target's logit; losses = lse − target, correct once all columns are folded in.
// logits [rows, stride] f32, products of the head that lib/logit.wgsl turns into logits: columns first … first + width − 1 of the vocabulary, reduced `part` at a time, so that the
// bits do not depend on how columns are divided between calls. One workgroup per row; a row is read once. With
// GRADIENT, if the columns are the whole vocabulary, logits are then replaced by the gradient of
// cross_entropy_backward.wgsl. With WEIGHTED, losses[row] and its gradient are multiplied by weights[row].
//#include lib/grid.wgsl
//#include lib/reduce.wgsl
//#include lib/logit.wgsl
const LOWEST: f32 = -3.0e38;

struct Params {
  rows: u32,
  first: u32,
  width: u32,
  part: u32,
  stride: u32,
  offset: u32, // of the first row in state and losses
//#if GRADIENT
  scale: f32,
//#endif
}

//#if GRADIENT
@group(0) @binding(0) var<storage, read_write> logits: array<f32>;

// The largest logit of the row and the sum of exponentials, for all threads.
var<workgroup> softmax: vec2<f32>;
//#else
@group(0) @binding(0) var<storage, read> logits: array<f32>;
//#endif
@group(0) @binding(1) var<storage, read> targets: array<u32>;
@group(0) @binding(2) var<storage, read_write> state: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> losses: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;
//#if WEIGHTED
@group(0) @binding(5) var<storage, read> weights: array<f32>;
//#endif

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = flat_group(group, groups);
  if (row >= params.rows) {
    return;
  }
  let start = row * params.stride;
  for (var begin = 0u; begin < params.width; begin += params.part) {
    let end = min(begin + params.part, params.width);
    var own_max = LOWEST;
    var own_sum = 0.0; // Σ exp(logit − own_max)
    for (var i = begin + thread; i < end; i += WG) {
      let logit = logit_of(logits[start + i]);
      let decay = exp(-abs(logit - own_max));
      if (logit > own_max) {
        own_sum = own_sum * decay + 1.0;
        own_max = logit;
      } else {
        own_sum += decay;
      }
    }
    let part_max = workgroup_max(own_max, thread);
    let part_sum = workgroup_sum(own_sum * exp(own_max - part_max), thread);

    if (thread == 0u) {
      var so_far = vec4<f32>(part_max, part_sum, 0.0, 0.0);
      if (params.first + begin > 0u) {
        let before = state[params.offset + row];
        let largest = max(before.x, part_max);
        let sum = before.y * exp(before.x - largest) + part_sum * exp(part_max - largest);
        so_far = vec4<f32>(largest, sum, before.z, 0.0);
      }
      let column = targets[row] - params.first; // wraps to above the width for earlier targets
      if (column >= begin && column < end) {
        so_far.z = logit_of(logits[start + column]);
      }
      state[params.offset + row] = so_far;
//#if WEIGHTED
      losses[params.offset + row] = (so_far.x - so_far.z + log(so_far.y)) * weights[row];
//#else
      losses[params.offset + row] = so_far.x - so_far.z + log(so_far.y);
//#endif
//#if GRADIENT
      softmax = so_far.xy;
//#endif
    }
  }
//#if GRADIENT
  workgroupBarrier();
  let label = targets[row];
//#if WEIGHTED
  let scale = params.scale * weights[row];
//#else
  let scale = params.scale;
//#endif
  let share = scale / softmax.y;
  for (var i = thread; i < params.width; i += WG) {
    let logit = logit_of(logits[start + i]);
    let gradient = exp(logit - softmax.x) * share - select(0.0, scale, i == label);
    logits[start + i] = gradient * logit_slope(logit);
  }
//#endif
}
