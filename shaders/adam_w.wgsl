// One AdamW step (Loshchilov & Hutter, 2019) in the order of torch.optim.AdamW, gradients clipped by the norm in
// stats[norm_index]. A norm that is not finite skips the step: params, m, v stay. stats[skipped_index] = 0 or 1.
// params, grads, m, v [count] f32; stats f32, read as bits. One invocation an element.
//#include lib/finite.wgsl
//#include lib/grid.wgsl
const WG: u32 = 256;
const LARGEST: f32 = 1.0e18; // the square of a larger gradient would overflow v for good: skipped as well

struct Params {
  count: u32,
  norm_index: u32,
  skipped_index: u32,
  max_grad_norm: f32, // 0: no clipping
  decay: f32, // 1 − lr · weight decay
  rate1: f32, // 1 − beta1
  beta2: f32,
  rate2: f32, // 1 − beta2
  step_size: f32, // lr / (1 − beta1^step)
  correction2: f32, // sqrt(1 − beta2^step)
  eps: f32,
}

@group(0) @binding(0) var<storage, read> grads: array<f32>;
@group(0) @binding(1) var<storage, read_write> weights: array<f32>;
@group(0) @binding(2) var<storage, read_write> m: array<f32>;
@group(0) @binding(3) var<storage, read_write> v: array<f32>;
@group(0) @binding(4) var<storage, read_write> stats: array<u32>;
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let i = flat_group(group, groups) * WG + thread;
  let bits = stats[params.norm_index];
  var skipped = !is_finite(bits);
  var clip = 1.0;
  if (!skipped) {
    let norm = bitcast<f32>(bits);
    if (params.max_grad_norm > 0.0) {
      clip = min(1.0, params.max_grad_norm / (norm + 1e-6));
    }
    skipped = norm * clip > LARGEST;
  }
  if (i == 0u) {
    stats[params.skipped_index] = select(0u, 0x3f800000u, skipped); // 0.0 or 1.0
  }
  if (skipped || i >= params.count) {
    return;
  }
  let grad = grads[i] * clip;
  let m_new = m[i] + (grad - m[i]) * params.rate1;
  let v_new = v[i] * params.beta2 + grad * grad * params.rate2;
  m[i] = m_new;
  v[i] = v_new;
  let denominator = sqrt(v_new) / params.correction2 + params.eps;
  weights[i] = weights[i] * params.decay - params.step_size * (m_new / denominator);
}
