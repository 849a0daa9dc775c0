// Replaces logits by (softmax − onehot(target)) · scale, given the largest logit and the sum of exponentials of whole
// rows; with WEIGHTED, the scale of each row is scale · weights[row]. Logits are computed from the head's products, and
// the gradient is theirs (lib/logit.wgsl).
// logits [rows, stride] f32: columns first … first + width − 1 of the vocabulary. One workgroup per row.
//#include lib/grid.wgsl
//#include lib/logit.wgsl
const WG: u32 = 64;

struct Params {
  rows: u32,
  first: u32,
  width: u32,
  stride: u32,
  offset: u32, // of the first row in state
  scale: f32,
}

@group(0) @binding(0) var<storage, read_write> logits: array<f32>;
@group(0) @binding(1) var<storage, read> targets: array<u32>;
@group(0) @binding(2) var<storage, read> state: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;
//#if WEIGHTED
@group(0) @binding(4) var<storage, read> weights: array<f32>;
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
  let label = targets[row] - params.first; // wraps to above the width for earlier targets
  let largest = state[params.offset + row].x;
//#if WEIGHTED
  let scale = params.scale * weights[row];
//#else
  let scale = params.scale;
//#endif
  let share = scale / state[params.offset + row].y;
  for (var i = thread; i < params.width; i += WG) {
    let logit = logit_of(logits[start + i]);
    let gradient = exp(logit - largest) * share - select(0.0, scale, i == label);
    logits[start + i] = gradient * logit_slope(logit);
  }
}
