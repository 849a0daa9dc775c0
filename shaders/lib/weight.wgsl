// A frozen weight matrix [rows, cols], row-major, in the encoding W:
//   f32        one element per word
//   f16, bf16  two per word, element i of the flattened matrix in the low half of w[i >> 1] if i is even
//   nf4, fp4   4-bit codes of a codebook times the absmax of their block: block i / BLOCK of the flattened matrix
//   int4       scale · (code − zero), one scale and zero per row and group of columns
//   int8       8-bit codes times the scale of their block of columns (lib/weight_int8.wgsl); col is a multiple of 4
// 4-bit codes are packed eight per word, each row starting a word, the first in the lowest bits.
//   load_w(row, col, cols)    one weight
//   load_w8(row, word, cols)  those of columns 8·word … 8·word + 7; arbitrary past the end of a row
//   fetch_w8(row, col, cols), unpack_w4(eight, half, cols)  eight from col on in halves of four, reading what they
//                             share once; with codes, col is a multiple of 8
//   load_w4(row, col, cols)   four from col on; with codes, a multiple of 4
//   hold_w4(row, col, cols), widen_w4(four)  four floats as stored, of which no reader waits for the load, and their
//                             values; with codes hold_w8 and widen_w8(eight, half, cols), which look up in workgroup
//                             memory (HELD) what keep_tables(thread, threads) puts there
// With VEC, floats are read four at a time: cols and the first element are multiples of 4. Binding numbers are above
// those of the shaders that include this file.
//#if Q4
const BLOCK: u32 = 64; // nf4, fp4: elements per block; int4: columns per group
const ALIGNED: bool = true; // no word straddles two blocks or groups
@group(0) @binding(8) var<storage, read> w: array<u32>;

fn code_of(word: u32, i: u32) -> u32 {
  return (word >> (4u * i)) & 15u;
}

//#if W == int4
const GROUPS: u32 = 1; // groups per row
// scale in the low half, zero in the high half of a word: [rows, GROUPS]
@group(0) @binding(9) var<storage, read> scales: array<u32>;
//#if ORDERED
@group(0) @binding(10) var<storage, read> group_index: array<u32>; // [cols]

fn group_of(col: u32) -> u32 {
  return group_index[col];
}
//#else
fn group_of(col: u32) -> u32 {
  return col / BLOCK;
}
//#endif

// (scale, zero)
fn scale_of(row: u32, col: u32, cols: u32) -> vec2<f32> {
  let word = scales[row * GROUPS + group_of(col)];
//#if SCALE == bf16
  return vec2(bitcast<f32>(word << 16u), f32(word >> 16u));
//#else
  return vec2(unpack2x16float(word).x, f32(word >> 16u));
//#endif
}

fn decode(code: u32, scale: vec2<f32>) -> f32 {
  return scale.x * (f32(code) - scale.y);
}

alias Scale = vec2<f32>;
//#else
//#if W == fp4
const CODEBOOK = array<f32, 16>(
  0.0, 0.005208333333333333, 0.6666666666666666, 1.0, 0.3333333333333333, 0.5, 0.16666666666666666, 0.25,
  0.0, -0.005208333333333333, -0.6666666666666666, -1.0, -0.3333333333333333, -0.5, -0.16666666666666666, -0.25,
);
//#else
//#include lib/nf4.wgsl
const CODEBOOK = NF4;
//#endif
//#if NESTED
const NESTED_BLOCK: u32 = 256;
@group(0) @binding(9) var<storage, read> scales: array<u32>; // 8-bit codes, four per word
@group(0) @binding(10) var<storage, read> nested: array<f32>; // offset, map [256], absmax of each nested block

fn absmax_of(block: u32) -> f32 {
  let code = (scales[block >> 2u] >> (8u * (block & 3u))) & 255u;
  return nested[1u + code] * nested[257u + block / NESTED_BLOCK] + nested[0];
}
//#else
@group(0) @binding(9) var<storage, read> scales: array<f32>;

fn absmax_of(block: u32) -> f32 {
  return scales[block];
}
//#endif

fn scale_of(row: u32, col: u32, cols: u32) -> f32 {
  return absmax_of((row * cols + col) / BLOCK);
}

//#if SHUFFLE
// Threads of a subgroup hold the codebook in registers: a look-up is a shuffle instead of a memory load.
//#include lib/subgroup.wgsl
const KEPT = 16u / min(SUBGROUP, 16u);
var<private> kept: array<f32, KEPT>;

fn keep_codebook(lane: u32) {
//#for I 16 / SUBGROUP
  kept[I] = CODEBOOK[(lane + I * SUBGROUP) & 15u];
//#end
}

fn codebook(code: u32) -> f32 {
  let lane = code & (min(SUBGROUP, 16u) - 1u);
  var value = subgroupShuffle(kept[0], lane);
//#for I 16 / SUBGROUP
  if (I > 0u) {
    value = select(value, subgroupShuffle(kept[I], lane), code >= I * SUBGROUP);
  }
//#end
  return value;
}
//#else
fn codebook(code: u32) -> f32 {
  return CODEBOOK[code];
}
//#endif

fn decode(code: u32, scale: f32) -> f32 {
  return codebook(code) * scale;
}

alias Scale = f32;
//#endif

fn load_w(row: u32, col: u32, cols: u32) -> f32 {
  let word = w[row * ((cols + 7u) / 8u) + col / 8u];
  return decode(code_of(word, col % 8u), scale_of(row, col, cols));
}

struct Eight {
  codes: u32,
  row: u32,
  col: u32,
  scale: Scale,
}

fn fetch_w8(row: u32, col: u32, cols: u32) -> Eight {
  return Eight(w[row * ((cols + 7u) / 8u) + col / 8u], row, col, scale_of(row, col, cols));
}

fn unpack_w4(eight: Eight, half: u32, cols: u32) -> vec4<f32> {
  let codes = (vec4<u32>(eight.codes >> (16u * half)) >> vec4<u32>(0u, 4u, 8u, 12u)) & vec4<u32>(15u);
  if (ALIGNED) {
    return vec4<f32>(
//#for I 4
      decode(codes[I], eight.scale),
//#end
    );
  }
  var values: vec4<f32>;
  // The bound is unknown at compile time, so that compilers do not unroll code with up to three loads per weight; it is
  // uniform, as shuffles require.
  for (var i = 0u; i < min(4u, cols); i++) {
    values[i] = decode(codes[i], scale_of(eight.row, min(eight.col + half * 4u + i, cols - 1u), cols));
  }
  return values;
}

fn load_w4(row: u32, col: u32, cols: u32) -> vec4<f32> {
  return unpack_w4(fetch_w8(row, col & ~7u, cols), (col >> 2u) & 1u, cols);
}
//#if HELD
//#include lib/weight_held.wgsl
//#endif
//#else
//#if W == int8
//#include lib/weight_int8.wgsl
//#else
//#if W == f32
//#if VEC
@group(0) @binding(8) var<storage, read> w: array<vec4<f32>>;

fn load_w4(row: u32, col: u32, cols: u32) -> vec4<f32> {
  return w[(row * cols + col) >> 2u];
}
//#else
@group(0) @binding(8) var<storage, read> w: array<f32>;

fn load_w(row: u32, col: u32, cols: u32) -> f32 {
  return w[row * cols + col];
}
//#endif
//#else
//#if VEC
@group(0) @binding(8) var<storage, read> w: array<vec2<u32>>;

fn load_w4(row: u32, col: u32, cols: u32) -> vec4<f32> {
  return unpack_pairs(w[(row * cols + col) >> 2u]);
}

fn unpack_pairs(pairs: vec2<u32>) -> vec4<f32> {
//#if W == bf16
  return bitcast<vec4<f32>>(vec4<u32>(pairs.x << 16u, pairs.x & 0xffff0000u, pairs.y << 16u, pairs.y & 0xffff0000u));
//#else
  return vec4<f32>(unpack2x16float(pairs.x), unpack2x16float(pairs.y));
//#endif
}
//#else
@group(0) @binding(8) var<storage, read> w: array<u32>;

fn load_w(row: u32, col: u32, cols: u32) -> f32 {
  let i = row * cols + col;
//#if W == bf16
  let pair = w[i >> 1u];
  return bitcast<f32>(select(pair << 16u, pair & 0xffff0000u, (i & 1u) == 1u));
//#else
  // Core WGSL: does not need shader-f16.
  let pair = unpack2x16float(w[i >> 1u]);
  return select(pair.x, pair.y, (i & 1u) == 1u);
//#endif
}
//#endif
//#endif

//#if VEC
fn load_w(row: u32, col: u32, cols: u32) -> f32 {
  return load_w4(row, col & ~3u, cols)[col & 3u];
}
//#else
fn load_w4(row: u32, col: u32, cols: u32) -> vec4<f32> {
  return vec4<f32>(
//#for I 4
    load_w(row, min(col + I, cols - 1u), cols),
//#end
  );
}
//#endif

//#if HELD
//#if VEC
//#if W == f32
alias HeldFour = vec4<f32>;
//#else
alias HeldFour = vec2<u32>;
//#endif

fn hold_w4(row: u32, col: u32, cols: u32) -> HeldFour {
  return w[(row * cols + col) >> 2u];
}

fn widen_w4(four: HeldFour) -> vec4<f32> {
//#if W == f32
  return four;
//#else
  return unpack_pairs(four);
//#endif
}
//#else
alias HeldFour = vec4<f32>;

fn hold_w4(row: u32, col: u32, cols: u32) -> HeldFour {
  return vec4<f32>(load_w(row, col, cols), load_w(row, col + 1u, cols), load_w(row, col + 2u, cols), load_w(row, col + 3u, cols));
}

fn widen_w4(four: HeldFour) -> vec4<f32> {
  return four;
}
//#endif
//#endif
//#endif

struct Eight {
  row: u32,
  col: u32,
}

fn fetch_w8(row: u32, col: u32, cols: u32) -> Eight {
  return Eight(row, col);
}

fn unpack_w4(eight: Eight, half: u32, cols: u32) -> vec4<f32> {
  return load_w4(eight.row, eight.col + half * 4u, cols);
}
//#endif

fn load_w8(row: u32, word: u32, cols: u32) -> array<f32, 8> {
  let eight = fetch_w8(row, word * 8u, cols);
  let low = unpack_w4(eight, 0u, cols);
  let high = unpack_w4(eight, 1u, cols);
  return array<f32, 8>(low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w);
}
