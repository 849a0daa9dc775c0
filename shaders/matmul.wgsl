// c[m, n] (+)= scale · Σ_k a(m, k) · w(k, n) (+ bias[n]) (+ residual[m, n]) (+ lora_scale · Σ_r u[m, r] · b(r, n)),
// f32 sums in ascending k.
//   TRANS_A: a is stored [k, m], else [m, k].  TRANS_W: w is stored [n, k] (a linear layer's weight), else [k, n].
//   LORA: a second product of small depth, b stored like w.  RESIDUAL: f32, in c's layout.
//   MEMBERS: up to three products of siblings, one for each z, that are ranges of n, of m or of k:
//     n: each has columns of c, and columns of u of its own.  m: rows of c, and columns of w of its own.
//     k: each sums a range of k into columns of c of its own.
// The three layouts of training: forward X·Wᵀ (TRANS_W), backward dY·W (neither), gradient dYᵀ·X (TRANS_A).
// a A, w in any encoding of lib/weight.wgsl, c E. A workgroup owns a BM x BN tile of c, a thread TM x 4 of it.
// Grid: x = ceil(n / BN), y = ceil(m / BM) of the largest member, z = members.
//#include lib/elem.wgsl
//#include lib/weight.wgsl
alias A = f32;
const TRANS_A: bool = false;
const TRANS_W: bool = true;
const BM: u32 = 64;
const BN: u32 = 64;
const BK: u32 = 16;
const TM: u32 = 8;
const COLUMNS = BN / 4u;
const THREADS = (BM / TM) * COLUMNS;

struct Params {
  m: u32,
  n: u32,
  k: u32,
  lda: u32, // elements between stored rows
  ldw: u32,
  ldc: u32,
  a_offset: u32, // first element of a and c that is used: a column range of a wider matrix
  c_offset: u32,
  w_row: u32, // first stored row of w that is used, its first column, and first element of bias
  w_col: u32,
  bias_offset: u32,
  scale: f32,
  accumulate: u32, // 1: c += …
//#if LORA
  rank: u32,
  ldu: u32,
  u_offset: u32,
  b_row: u32, // first stored row of b that is used
  lora_scale: f32,
//#endif
//#if MEMBERS
  member_1: u32, // where the second and the third member begin
  member_2: u32,
//#endif
}

@group(0) @binding(0) var<storage, read> a: array<A>;
@group(0) @binding(1) var<storage, read_write> c: array<E>;
@group(0) @binding(2) var<uniform> params: Params;
//#if BIAS
@group(0) @binding(3) var<storage, read> bias: array<f32>;
//#endif

//#if RESIDUAL
@group(0) @binding(4) var<storage, read> residual: array<f32>;
//#endif
//#if LORA
@group(0) @binding(5) var<storage, read> u: array<f32>;
@group(0) @binding(6) var<storage, read> b: array<f32>;
//#endif

// What a workgroup's member has of m, n and k: first and end.
struct Range {
  first: vec3<u32>,
  end: vec3<u32>,
}

fn range_of(member: u32) -> Range {
  var range = Range(vec3<u32>(0u), vec3<u32>(params.m, params.n, params.k));
//#if MEMBERS
//#if MEMBERS == m
  let axis = 0u;
//#endif
//#if MEMBERS == n
  let axis = 1u;
//#endif
//#if MEMBERS == k
  let axis = 2u;
//#endif
  let starts = array<u32, 4>(0u, params.member_1, params.member_2, range.end[axis]);
  range.first[axis] = starts[member];
  range.end[axis] = starts[member + 1u];
//#endif
  return range;
}

var<workgroup> tile_a: array<f32, BM * BK>; // [k, m]
var<workgroup> tile_w: array<f32, BN * BK>; // [k, n]

fn load_tile_a(row0: u32, k0: u32, end: vec3<u32>, thread: u32) {
  for (var i = thread; i < BM * BK; i += THREADS) {
    // Neighbouring threads read neighbouring addresses.
    let m = select(i / BK, i % BM, TRANS_A);
    let k = select(i % BK, i / BM, TRANS_A);
    let row = row0 + m;
    let depth = k0 + k;
    var value = 0.0;
    if (row < end.x && depth < end.z) {
      let at = select(row * params.lda + depth, depth * params.lda + row, TRANS_A);
      value = f32(a[params.a_offset + at]);
    }
    tile_a[k * BM + m] = value;
  }
}

//#if Q4
// A word at a time: eight neighbours of a stored row, which are eight of k (TRANS_W) or eight of n.
fn load_tile_w(col0: u32, k0: u32, end: vec3<u32>, first_col: u32, thread: u32) {
  let words = select(BN, BK, TRANS_W) / 8u;
  for (var i = thread; i < BN * BK / 8u; i += THREADS) {
    let row = select(k0, col0, TRANS_W) + i / words;
    let column = select(col0, k0, TRANS_W) + (i % words) * 8u;
    let rows = select(end.z, end.y, TRANS_W);
    let columns = select(end.y, end.z, TRANS_W);
    var values = array<f32, 8>();
    if (row < rows && column < columns) {
      values = load_w8(params.w_row + row, column / 8u, params.ldw);
    }
    for (var j = 0u; j < 8u; j++) {
      let value = select(0.0, values[j], column + j < columns);
      if (TRANS_W) {
        tile_w[(column - k0 + j) * BN + row - col0] = value;
      } else {
        tile_w[(row - k0) * BN + column - col0 + j] = value;
      }
    }
  }
}
//#else
fn load_tile_w(col0: u32, k0: u32, end: vec3<u32>, first_col: u32, thread: u32) {
  for (var i = thread; i < BN * BK; i += THREADS) {
    let n = select(i % BN, i / BK, TRANS_W);
    let k = select(i / BN, i % BK, TRANS_W);
    let col = col0 + n;
    let depth = k0 + k;
    var value = 0.0;
    if (col < end.y && depth < end.z) {
      let stored = select(col, depth, TRANS_W);
      value = load_w(params.w_row + select(depth, col, TRANS_W), first_col + stored, params.ldw);
    }
    tile_w[k * BN + n] = value;
  }
}
//#endif

//#if LORA
fn load_tiles_of_lora(row0: u32, col0: u32, k0: u32, end: vec3<u32>, u_offset: u32, thread: u32) {
  for (var i = thread; i < BM * BK; i += THREADS) {
    let row = row0 + i / BK;
    let depth = k0 + i % BK;
    var value = 0.0;
    if (row < end.x && depth < params.rank) {
      value = params.lora_scale * u[u_offset + row * params.ldu + depth];
    }
    tile_a[(i % BK) * BM + i / BK] = value;
  }
  for (var i = thread; i < BN * BK; i += THREADS) {
    let n = select(i % BN, i / BK, TRANS_W);
    let k = select(i / BN, i % BK, TRANS_W);
    let col = col0 + n;
    let depth = k0 + k;
    var value = 0.0;
    if (col < end.y && depth < params.rank) {
      let at = select((params.b_row + depth) * params.n + col, (params.b_row + col) * params.rank + depth, TRANS_W);
      value = b[at];
    }
    tile_w[k * BN + n] = value;
  }
}
//#endif

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let range = range_of(group.z);
  let end = range.end;
  let row0 = range.first.x + group.y * BM;
  let col0 = range.first.y + group.x * BN;
  if (row0 >= end.x || col0 >= end.y) {
    return;
  }
  var c_offset = params.c_offset;
  var w_col = params.w_col;
//#if MEMBERS == m
  w_col += group.z * params.n;
//#endif
//#if MEMBERS == k
  c_offset += group.z * params.n;
//#endif
  let my_row = (thread / COLUMNS) * TM;
  let my_col = (thread % COLUMNS) * 4u;
  var sums: array<vec4<f32>, TM>;
  for (var k0 = range.first.z; k0 < end.z; k0 += BK) {
    load_tile_a(row0, k0, end, thread);
    load_tile_w(col0, k0, end, w_col, thread);
    workgroupBarrier();
    for (var k = 0u; k < BK; k++) {
      let at = k * BN + my_col;
      let weights = vec4<f32>(tile_w[at], tile_w[at + 1u], tile_w[at + 2u], tile_w[at + 3u]);
      for (var i = 0u; i < TM; i++) {
        sums[i] += tile_a[k * BM + my_row + i] * weights;
      }
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < TM; i++) {
    sums[i] *= params.scale;
  }
//#if LORA
  var u_offset = params.u_offset;
//#if MEMBERS == n
  u_offset += group.z * params.rank;
//#endif
  for (var k0 = 0u; k0 < params.rank; k0 += BK) {
    load_tiles_of_lora(row0, col0, k0, end, u_offset, thread);
    workgroupBarrier();
    for (var k = 0u; k < BK; k++) {
      let at = k * BN + my_col;
      let weights = vec4<f32>(tile_w[at], tile_w[at + 1u], tile_w[at + 2u], tile_w[at + 3u]);
      for (var i = 0u; i < TM; i++) {
        sums[i] += tile_a[k * BM + my_row + i] * weights;
      }
    }
    workgroupBarrier();
  }
//#endif
  for (var i = 0u; i < TM; i++) {
    let row = row0 + my_row + i;
    for (var j = 0u; j < 4u; j++) {
      let col = col0 + my_col + j;
      if (row < end.x && col < end.y) {
        let at = c_offset + row * params.ldc + col;
        var value = sums[i][j];
//#if BIAS
        value += bias[params.bias_offset + col];
//#endif
//#if RESIDUAL
        value += residual[at];
//#endif
        if (params.accumulate == 1u) {
          value += f32(c[at]);
        }
        c[at] = to_e(value);
      }
    }
  }
}
