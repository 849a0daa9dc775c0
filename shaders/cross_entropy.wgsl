// loss = lse(logits[row, :]) − logits[row, target]; with BACKWARD, logits become (softmax − onehot) · scale.
// logits [rows, stride] f32 (the first `vocab` of a row count), targets [rows] u32, losses f32.
// One workgroup a row; the log-sum-exp is online, so that a row is read once for it.
//#include lib/grid.wgsl
//#include lib/reduce.wgsl
const LOWEST: f32 = -3.0e38;

struct Params {
  rows: u32,
  vocab: u32,
  stride: u32,
  scale: f32,
  loss_offset: u32,
}

@group(0) @binding(0) var<storage, read_write> logits: array<f32>;
@group(0) @binding(1) var<storage, read> targets: array<u32>;
@group(0) @binding(2) var<storage, read_write> losses: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

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
  var own_max = LOWEST;
  var own_sum = 0.0; // Σ exp(logit − own_max)
  for (var i = thread; i < params.vocab; i += WG) {
    let logit = logits[start + i];
    let decay = exp(-abs(logit - own_max));
    if (logit > own_max) {
      own_sum = own_sum * decay + 1.0;
      own_max = logit;
    } else {
      own_sum += decay;
    }
  }
  let row_max = workgroup_max(own_max, thread);
  let row_sum = workgroup_sum(own_sum * exp(own_max - row_max), thread);

  // The thread that will overwrite the target's logit reads it first.
  let label = targets[row];
  if (thread == label % WG) {
    losses[params.loss_offset + row] = row_max - logits[start + label] + log(row_sum);
  }
//#if BACKWARD
  let share = params.scale / row_sum;
  for (var i = thread; i < params.vocab; i += WG) {
    let gradient = exp(logits[start + i] - row_max) * share;
    logits[start + i] = gradient - select(0.0, params.scale, i == label);
  }
//#endif
}
