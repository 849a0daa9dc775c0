// What a head's products become before the softmax: logit = CAP · tanh(MULTIPLIER · product / CAP), without CAPPED only
// MULTIPLIER · product.
//#include lib/tanh.wgsl
const MULTIPLIER: f32 = 1.0;
const CAP: f32 = 1.0;

fn logit_of(product: f32) -> f32 {
//#if CAPPED
  return CAP * tanh_of(product * MULTIPLIER / CAP);
//#else
  return product * MULTIPLIER;
//#endif
}

// The derivative of a logit by its product.
fn logit_slope(logit: f32) -> f32 {
//#if CAPPED
  return MULTIPLIER * (1.0 - (logit / CAP) * (logit / CAP));
//#else
  return MULTIPLIER;
//#endif
}
