// The gradient of c of a causal convolution (lib/causal_convolution.wgsl).

// Of a token whose segment begins at `start`.
fn convolved_gradient(t: u32, i: u32, start: u32) -> f32 {
  let d = dy[t * params.channels + i];
//#if GATED
  return d * f32(raw[t * params.stride + params.channels + i]);
//#else
  let c = convolved(t, i, start);
  let s = sigmoids(c);
  return d * s.x * (1.0 + c * s.y);
//#endif
}
