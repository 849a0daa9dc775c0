// An activation's value and its derivative, by ACT: silu, gelu (exact), gelu_tanh, relu, relu2 (relu squared).
//#include lib/sigmoid.wgsl

//#if ACT == gelu
// The integral of the normal distribution, within 2e-7 of itself: erfc by Chebyshev's coefficients (Press et al.,
// Numerical Recipes, 6.2).
fn normal_below(x: f32) -> f32 {
  let z = abs(x) * 0.7071067811865476;
  let t = 1.0 / (1.0 + 0.5 * z);
  let series = -1.26551223 + t * (1.00002368 + t * (0.37409196 + t * (0.09678418 + t * (-0.18628806 +
    t * (0.27886807 + t * (-1.13520398 + t * (1.48851587 + t * (-0.82215223 + t * 0.17087277))))))));
  let tail = 0.5 * t * exp(series - z * z);
  return select(tail, 1.0 - tail, x >= 0.0);
}
//#endif

fn activation(x: f32) -> vec2<f32> {
//#if ACT == silu
  let s = sigmoids(x);
  return vec2<f32>(x * s.x, s.x * (1.0 + x * s.y));
//#endif
//#if ACT == gelu
  let below = normal_below(x);
  let near = clamp(x, -20.0, 20.0);
  return vec2<f32>(x * below, below + near * 0.3989422804014327 * exp(-0.5 * near * near));
//#endif
//#if ACT == gelu_tanh
  // x · (1 + tanh(u)) / 2 = x · σ(2u)
  let near = clamp(x, -100.0, 100.0);
  let s = sigmoids(1.5957691216057308 * near * (1.0 + 0.044715 * near * near));
  return vec2<f32>(x * s.x, s.x + near * s.x * s.y * 1.5957691216057308 * (1.0 + 0.134145 * near * near));
//#endif
//#if ACT == relu
  return vec2<f32>(max(x, 0.0), select(0.0, 1.0, x > 0.0));
//#endif
//#if ACT == relu2
  let above = max(x, 0.0);
  return vec2<f32>(above * above, 2.0 * above);
//#endif
}
