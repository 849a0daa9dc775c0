// Part of weight.wgsl: 8-bit codes times the scale of their block, BLOCK columns of a row. Codes are packed four per
// word, each row starting a word, the first in the lowest bits.
const BLOCK: u32 = 64;
@group(0) @binding(8) var<storage, read> w: array<u32>; // [rows, ceil(cols / 4)]
@group(0) @binding(9) var<storage, read> scales: array<f32>; // [rows, ceil(cols / BLOCK)]

fn codes_at(row: u32, col: u32, cols: u32) -> u32 {
  return w[row * ((cols + 3u) / 4u) + min(col, cols - 1u) / 4u];
}

fn scale_at(row: u32, col: u32, cols: u32) -> f32 {
  return scales[row * ((cols + BLOCK - 1u) / BLOCK) + min(col, cols - 1u) / BLOCK];
}

fn decode4(codes: u32, scale: f32) -> vec4<f32> {
  // Shifted up and down again, which extends the sign.
  let raised = bitcast<vec4<i32>>(vec4<u32>(codes) << vec4<u32>(24u, 16u, 8u, 0u));
  return vec4<f32>(raised >> vec4<u32>(24u)) * scale;
}

fn load_w4(row: u32, col: u32, cols: u32) -> vec4<f32> {
  return decode4(codes_at(row, col, cols), scale_at(row, col, cols));
}

fn load_w(row: u32, col: u32, cols: u32) -> f32 {
  let raised = bitcast<i32>(codes_at(row, col, cols) << (24u - 8u * (col & 3u)));
  return f32(raised >> 24u) * scale_at(row, col, cols);
}

//#if HELD
struct HeldFour {
  codes: u32,
  scale: f32,
}

fn hold_w4(row: u32, col: u32, cols: u32) -> HeldFour {
  return HeldFour(codes_at(row, col, cols), scale_at(row, col, cols));
}

fn widen_w4(four: HeldFour) -> vec4<f32> {
  return decode4(four.codes, four.scale);
}
//#endif
