// σ(x) and σ(−x). The exponential's argument is never positive, so nothing overflows.
//#include lib/exp.wgsl
fn sigmoids(x: f32) -> vec2<f32> {
  let e = exp_of(-abs(x));
  let large = 1.0 / (1.0 + e);
  let small = e * large;
  return select(vec2<f32>(small, large), vec2<f32>(large, small), x >= 0.0);
}
