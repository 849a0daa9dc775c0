// exp(x) for x ≤ 88, within 1.2e-7 of itself, and 0 below −87. Adapters take 2^(x · log₂ e), where the product's rounding
// alone costs |x| · 6e-8, and some take powers of 2 that are off by 3e-7: in gates that is more than all else in a layer.
// ln 2 is subtracted in two parts, of which the first has 9 bits, so that its multiples are exact.
fn exp_of(x: f32) -> f32 {
  let k = round(x * 1.4426950408889634);
  let r = (x - k * 0.693359375) + k * 2.1219444e-4;
  let series = r * r * (0.5 + r * (0.16666665459 + r * (4.1665795894e-2 + r * (8.3334519073e-3 + r *
    (1.3981999507e-3 + r * 1.9875691500e-4)))));
  // Before it is an index: a NaN stays one, and what underflows is no power of 2.
  let power = bitcast<f32>(u32(clamp(i32(k), -126, 127) + 127) << 23u);
  return select((1.0 + (r + series)) * power, 0.0, x < -87.0);
}
