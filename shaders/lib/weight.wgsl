// A frozen weight matrix in its own dtype: f32, or bf16 / f16 packed two to a u32 (element i is the low half
// of w[i >> 1] when i is even). The shader that includes this declares the binding:
//   @group(0) @binding(…) var<storage, read> w: array<W_STORAGE>;
//#if W == bf16
alias W_STORAGE = u32;

fn load_w(i: u32) -> f32 {
  let pair = w[i >> 1u];
  return bitcast<f32>(select(pair << 16u, pair & 0xffff0000u, (i & 1u) == 1u));
}
//#else
//#if W == f16
alias W_STORAGE = u32;

fn load_w(i: u32) -> f32 {
  // Core WGSL: needs no shader-f16.
  let pair = unpack2x16float(w[i >> 1u]);
  return select(pair.x, pair.y, (i & 1u) == 1u);
}
//#else
alias W_STORAGE = f32;

fn load_w(i: u32) -> f32 {
  return w[i];
}
//#endif
//#endif
