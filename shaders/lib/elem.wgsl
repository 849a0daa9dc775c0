// Element type of activations in memory; arithmetic is f32 everywhere.
alias E = f32;

// f16 saturates instead of overflowing: one large activation must not become an infinity.
fn to_e(value: f32) -> E {
//#if E == f16
  return E(clamp(value, -65504.0, 65504.0));
//#else
  return value;
//#endif
}
