// merged = round(w + scale · b · a), or its rows times factors, like merge_lora, if `cols` is a multiple of 4: an invocation computes four columns
// of eight rows, so that each value of A and B is used for eight or four sums.
// w [rows, cols] as words in format W, merged in format OUT; a [rank, cols] f32; b [rows, rank] f32.
//#include lib/round.wgsl
const WG: u32 = 64;

struct Params {
  rows: u32,
  cols: u32,
  rank: u32,
  scale: f32,
}

//#if W == f32
@group(0) @binding(0) var<storage, read> w: array<vec4<u32>>;
//#else
@group(0) @binding(0) var<storage, read> w: array<vec2<u32>>;
//#endif
@group(0) @binding(1) var<storage, read> a: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
//#if OUT == f32
@group(0) @binding(3) var<storage, read_write> merged: array<vec4<u32>>;
//#else
@group(0) @binding(3) var<storage, read_write> merged: array<vec2<u32>>;
//#endif
@group(0) @binding(4) var<uniform> params: Params;
//#if DORA
@group(0) @binding(5) var<storage, read> factors: array<f32>; // [rows]
//#endif

// Bits of four elements of w.
fn elements_of(i: u32) -> vec4<u32> {
//#if W == f32
  return w[i];
//#else
  let words = w[i];
  return vec4<u32>(words.x & 0xffffu, words.x >> 16u, words.y & 0xffffu, words.y >> 16u);
//#endif
}

fn widen(elements: vec4<u32>) -> vec4<u32> {
//#if W == f16
  return vec4<u32>(widen_w(elements.x), widen_w(elements.y), widen_w(elements.z), widen_w(elements.w));
//#else
//#if W == bf16
  return elements << vec4<u32>(16u);
//#else
  return elements;
//#endif
//#endif
}

fn rounded(bits: vec4<u32>) -> vec4<u32> {
//#if OUT == bf16
  // Like round_to_bf16, without branches.
  let up = vec4<u32>(0x7fffu) + ((bits >> vec4<u32>(16u)) & vec4<u32>(1u));
  let quiet = (bits >> vec4<u32>(16u)) | vec4<u32>(0x40u);
  let is_nan = (bits & vec4<u32>(0x7fffffffu)) > vec4<u32>(0x7f800000u);
  return select((bits + up) >> vec4<u32>(16u), quiet, is_nan);
//#else
  return vec4<u32>(round_to_out(bits.x), round_to_out(bits.y), round_to_out(bits.z), round_to_out(bits.w));
//#endif
}

fn store(i: u32, sum: vec4<f32>) {
  let delta = params.scale * sum;
  let elements = elements_of(i);
  let bits = widen(elements);
//#if DORA
  let factor = factors[i / (params.cols / 4u)];
  let result = rounded(bitcast<vec4<u32>>(factor * (bitcast<vec4<f32>>(bits) + delta)));
//#else
  // Without an update the bits are preserved: a sum would turn −0 into 0 and may flush subnormals. So are NaN and
  // infinity.
  let special = (bits & vec4<u32>(0x7f800000u)) == vec4<u32>(0x7f800000u);
  let stays = special | (delta == vec4<f32>(0.0));
  let merged_bits = select(bitcast<vec4<u32>>(bitcast<vec4<f32>>(bits) + delta), bits, stays);
//#if SAME
  let result = select(rounded(merged_bits), elements, stays);
//#else
  let result = rounded(merged_bits);
//#endif
//#endif
//#if OUT == f32
  merged[i] = result;
//#else
  merged[i] = vec2<u32>(result.x | (result.y << 16u), result.z | (result.w << 16u));
//#endif
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let rank = params.rank;
  let quads = params.cols / 4u;
  let quad = group.x * WG + thread;
  let row = group.y * 8u;
  if (quad >= quads) {
    return;
  }
  var s0 = vec4<f32>(0.0);
  var s1 = vec4<f32>(0.0);
  var s2 = vec4<f32>(0.0);
  var s3 = vec4<f32>(0.0);
  var s4 = vec4<f32>(0.0);
  var s5 = vec4<f32>(0.0);
  var s6 = vec4<f32>(0.0);
  var s7 = vec4<f32>(0.0);
  // Rows past the last one read arbitrary rows of b, and are not stored.
  for (var k = 0u; k < rank; k++) {
    let x = a[k * quads + quad];
    let at = row * rank + k;
    s0 += b[at] * x;
    s1 += b[at + rank] * x;
    s2 += b[at + 2u * rank] * x;
    s3 += b[at + 3u * rank] * x;
    s4 += b[at + 4u * rank] * x;
    s5 += b[at + 5u * rank] * x;
    s6 += b[at + 6u * rank] * x;
    s7 += b[at + 7u * rank] * x;
  }
  let first = row * quads + quad;
  let left = params.rows - row;
  store(first, s0);
  if (left > 1u) { store(first + quads, s1); }
  if (left > 2u) { store(first + 2u * quads, s2); }
  if (left > 3u) { store(first + 3u * quads, s3); }
  if (left > 4u) { store(first + 4u * quads, s4); }
  if (left > 5u) { store(first + 5u * quads, s5); }
  if (left > 6u) { store(first + 6u * quads, s6); }
  if (left > 7u) { store(first + 7u * quads, s7); }
}
