// Shared by the kernels of causal_convolution: a depthwise convolution along the tokens of a segment,
//   c[t, i] = bias[i] + Σ_j weight[i, TAPS − 1 − j] · u[t − j, i]   where t − j is not before the segment
// with GATED u = B · x and y = C · c (LFM2), where each row of raw holds B, C and x next to each other; else u is raw
// and y = silu(c) (gated delta rule).
// raw X, rows of `stride` elements; weight [channels, TAPS] f32, bias [channels] f32; segment_start [rows] u32.
//#include lib/causal_convolution_input.wgsl

// c of a token whose segment begins at `start`.
fn convolved(t: u32, i: u32, start: u32) -> f32 {
//#if BIAS
  var sum = bias[i];
//#else
  var sum = 0.0;
//#endif
//#for J TAPS
  if (t >= start + J) {
    sum += weight[i * TAPS + TAPS - 1u - J] * input_at(t - J, i);
  }
//#end
  return sum;
}
