// u of a causal convolution (lib/causal_convolution.wgsl).
const TAPS: u32 = 4;

fn input_at(t: u32, i: u32) -> f32 {
  let at = t * params.stride + i;
//#if GATED
  return f32(raw[at]) * f32(raw[at + 2u * params.channels]);
//#else
  return f32(raw[at]);
//#endif
}
