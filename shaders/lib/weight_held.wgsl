// Part of weight.wgsl: eight 4-bit codes and what their scale is made of, as stored, and look-ups in workgroup memory.
//#if W != int4
var<workgroup> kept_codebook: array<f32, 16>;
//#if NESTED
var<workgroup> kept_map: array<f32, 256>; // absmax by its 8-bit code
//#endif
//#endif

// Call once, with a barrier before the first look-up.
fn keep_tables(thread: u32, threads: u32) {
//#if W != int4
  for (var i = thread; i < 16u; i += threads) {
    kept_codebook[i] = CODEBOOK[i];
  }
//#if NESTED
  for (var i = thread; i < 256u; i += threads) {
    kept_map[i] = nested[1u + i];
  }
//#endif
//#endif
}

struct HeldEight {
  codes: u32,
//#if ALIGNED
//#if W == int4
  scale: u32,
//#else
//#if NESTED
  block: u32, // and the word with its absmax's code, and the absmax of that
  absmax_codes: u32,
  absmax: f32,
//#else
  scale: f32,
//#endif
//#endif
//#else
  row: u32,
  col: u32,
//#endif
}

fn hold_w8(row: u32, col: u32, cols: u32) -> HeldEight {
  var eight: HeldEight;
  eight.codes = w[row * ((cols + 7u) / 8u) + col / 8u];
//#if ALIGNED
//#if W == int4
  eight.scale = scales[row * GROUPS + group_of(col)];
//#else
  let block = (row * cols + col) / BLOCK;
//#if NESTED
  eight.block = block;
  eight.absmax_codes = scales[block >> 2u];
  eight.absmax = nested[257u + block / NESTED_BLOCK];
//#else
  eight.scale = scales[block];
//#endif
//#endif
//#else
  eight.row = row;
  eight.col = col;
//#endif
  return eight;
}

fn decode_held(code: u32, scale: Scale) -> f32 {
//#if W == int4
  return decode(code, scale);
//#else
  return kept_codebook[code % 16u] * scale;
//#endif
}

fn widen_w8(eight: HeldEight, half: u32, cols: u32) -> vec4<f32> {
//#if ALIGNED
//#if W == int4
//#if SCALE == bf16
  let scale = vec2(bitcast<f32>(eight.scale << 16u), f32(eight.scale >> 16u));
//#else
  let scale = vec2(unpack2x16float(eight.scale).x, f32(eight.scale >> 16u));
//#endif
//#else
//#if NESTED
  let code = (eight.absmax_codes >> (8u * (eight.block & 3u))) & 255u;
  let scale = kept_map[code % 256u] * eight.absmax + nested[0];
//#else
  let scale = eight.scale;
//#endif
//#endif
  return vec4<f32>(
//#for I 4
    decode_held(code_of(eight.codes, half * 4u + I), scale),
//#end
  );
//#else
  return vec4<f32>(
//#for I 4
    decode_held(
      code_of(eight.codes, half * 4u + I),
      scale_of(eight.row, min(eight.col + half * 4u + I, cols - 1u), cols),
    ),
//#end
  );
//#endif
}
