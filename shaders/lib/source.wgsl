// A piece of a float matrix as stored in its file: f32, or f16 / bf16 packed two per word, in format SOURCE.
@group(0) @binding(7) var<storage, read> source: array<u32>;

fn load_source(i: u32) -> f32 {
//#if SOURCE == f32
  return bitcast<f32>(source[i]);
//#else
  let pair = source[i >> 1u];
//#if SOURCE == bf16
  return bitcast<f32>(select(pair << 16u, pair & 0xffff0000u, (i & 1u) == 1u));
//#else
  return select(unpack2x16float(pair).x, unpack2x16float(pair).y, (i & 1u) == 1u);
//#endif
//#endif
}
