// c[m, n] (+)= scale · Σ_k a(m, k) · w(k, n) (+ bias[n]),  f32 sums in ascending k.
//   TRANS_A: a is stored [k, m], else [m, k].  TRANS_W: w is stored [n, k] (a linear layer's weight), else [k, n].
// The three layouts of training: forward X·Wᵀ (TRANS_W), backward dY·W (neither), gradient dYᵀ·X (TRANS_A).
// a A, w in any encoding of lib/weight.wgsl, c E. A workgroup owns a BM x BN tile of c, a thread TM x 4 of it.
// Grid: x = ceil(n / BN), y = ceil(m / BM).
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
  w_row: u32, // first stored row of w that is used, and first element of bias
  bias_offset: u32,
  scale: f32,
  accumulate: u32, // 1: c += …
}

@group(0) @binding(0) var<storage, read> a: array<A>;
@group(0) @binding(1) var<storage, read_write> c: array<E>;
@group(0) @binding(2) var<uniform> params: Params;
//#if BIAS
@group(0) @binding(3) var<storage, read> bias: array<f32>;
//#endif

var<workgroup> tile_a: array<f32, BM * BK>; // [k, m]
var<workgroup> tile_w: array<f32, BN * BK>; // [k, n]

fn load_tile_a(row0: u32, k0: u32, thread: u32) {
  for (var i = thread; i < BM * BK; i += THREADS) {
    // Neighbouring threads read neighbouring addresses.
    let m = select(i / BK, i % BM, TRANS_A);
    let k = select(i % BK, i / BM, TRANS_A);
    let row = row0 + m;
    let depth = k0 + k;
    var value = 0.0;
    if (row < params.m && depth < params.k) {
      let at = select(row * params.lda + depth, depth * params.lda + row, TRANS_A);
      value = f32(a[params.a_offset + at]);
    }
    tile_a[k * BM + m] = value;
  }
}

//#if Q4
// A word at a time: eight neighbours of a stored row, which are eight of k (TRANS_W) or eight of n.
fn load_tile_w(col0: u32, k0: u32, thread: u32) {
  let words = select(BN, BK, TRANS_W) / 8u;
  for (var i = thread; i < BN * BK / 8u; i += THREADS) {
    let row = select(k0, col0, TRANS_W) + i / words;
    let column = select(col0, k0, TRANS_W) + (i % words) * 8u;
    let rows = select(params.k, params.n, TRANS_W);
    let columns = select(params.n, params.k, TRANS_W);
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
fn load_tile_w(col0: u32, k0: u32, thread: u32) {
  for (var i = thread; i < BN * BK; i += THREADS) {
    let n = select(i % BN, i / BK, TRANS_W);
    let k = select(i / BN, i % BK, TRANS_W);
    let col = col0 + n;
    let depth = k0 + k;
    var value = 0.0;
    if (col < params.n && depth < params.k) {
      value = load_w(params.w_row + select(depth, col, TRANS_W), select(col, depth, TRANS_W), params.ldw);
    }
    tile_w[k * BN + n] = value;
  }
}
//#endif

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let row0 = group.y * BM;
  let col0 = group.x * BN;
  let my_row = (thread / COLUMNS) * TM;
  let my_col = (thread % COLUMNS) * 4u;
  var sums: array<vec4<f32>, TM>;
  for (var k0 = 0u; k0 < params.k; k0 += BK) {
    load_tile_a(row0, k0, thread);
    load_tile_w(col0, k0, thread);
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
    let row = row0 + my_row + i;
    for (var j = 0u; j < 4u; j++) {
      let col = col0 + my_col + j;
      if (row < params.m && col < params.n) {
        let at = params.c_offset + row * params.ldc + col;
        var value = params.scale * sums[i][j];
//#if BIAS
        value += bias[params.bias_offset + col];
//#endif
        if (params.accumulate == 1u) {
          value += f32(c[at]);
        }
        c[at] = to_e(value);
      }
    }
  }
}
