// Shared by the AdamW kernels: a step (Loshchilov & Hutter, 2019) in the order of torch.optim.AdamW, with gradients
// clipped by their norm. A non-finite norm skips the step.
//#include lib/finite.wgsl
const LARGEST: f32 = 1.0e18; // the square of a larger gradient would make v overflow for good: the step is skipped too

struct Params {
  count: u32, // elements, or 8-bit blocks
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

@group(0) @binding(0) var<uniform> params: Params;

struct Clipping {
  skipped: bool,
  factor: f32,
}

fn clipping(norm_bits: u32) -> Clipping {
  if (!is_finite(norm_bits)) {
    return Clipping(true, 1.0);
  }
  let norm = bitcast<f32>(norm_bits);
  var factor = 1.0;
  if (params.max_grad_norm > 0.0) {
    factor = min(1.0, params.max_grad_norm / (norm + 1e-6));
  }
  return Clipping(norm * factor > LARGEST, factor);
}

fn next_m(m: f32, grad: f32) -> f32 {
  return m + (grad - m) * params.rate1;
}

fn next_v(v: f32, grad: f32) -> f32 {
  return v * params.beta2 + grad * grad * params.rate2;
}

fn next_weight(weight: f32, m: f32, v: f32) -> f32 {
  let denominator = sqrt(v) / params.correction2 + params.eps;
  return weight * params.decay - params.step_size * (m / denominator);
}

// The value for stats[skipped_index]: 0.0 or 1.0.
fn skipped_bits(skipped: bool) -> u32 {
  return select(0u, 0x3f800000u, skipped);
}
