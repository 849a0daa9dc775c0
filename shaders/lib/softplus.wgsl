// log(1 + exp(x)). The exponential's argument is never positive; log(1 + e) is 2 artanh(e / (2 + e)) by its series, since
// adapters' log is exact to 5e-7 only, which a sum over tokens would multiply.
//#include lib/exp.wgsl
fn softplus(x: f32) -> f32 {
  let e = exp_of(-abs(x));
  let s = e / (2.0 + e);
  let t = s * s;
  let series = 1.0 + t * (1.0 / 3.0 + t * (0.2 + t * (1.0 / 7.0 + t * (1.0 / 9.0 + t * (1.0 / 11.0 + t / 13.0)))));
  return max(x, 0.0) + 2.0 * s * series;
}
