// Element type of activations in memory; all arithmetic is f32.
alias E = f32;

// f16 saturates instead of overflowing: one large activation must not become an infinity.
fn to_e(value: f32) -> E {
//#if E == f16
  return E(clamp(value, -65504.0, 65504.0));
//#else
  return value;
//#endif
}

fn to_e4(value: vec4<f32>) -> vec4<E> {
//#if E == f16
  return vec4<E>(clamp(value, vec4<f32>(-65504.0), vec4<f32>(65504.0)));
//#else
  return value;
//#endif
}
