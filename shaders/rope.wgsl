// Queries, keys and values of a token, from beside each other to tensors of their own: with NORM each head of q and k
// is first normalized, x · rstd · weight with rstd = 1 / sqrt(mean(x²) + eps); then q and k are rotated by their
// position, half-split (rotate_half), for i < D/2 with angle = positions[t] · f[i]:
//   y[i], y[i + D/2] = x_i cos − x_{i+D/2} sin,  x_{i+D/2} cos + x_i sin.   v is copied.
// raw [rows, (H + 2 Hkv) · D] E; heads E holds q [rows, H, D], and from k_start and v_start on k and v [rows, Hkv, D];
// positions [rows] u32, inverse_frequencies [D/2] f32, weights [D] f32. One workgroup a token.
//#include lib/elem.wgsl
//#include lib/grid.wgsl
//#include lib/angle.wgsl
const WG: u32 = 128;
const HALF: u32 = 8; // D / 2
const HEADS: u32 = 4; // H + Hkv
const LANES: u32 = 8; // threads that sum the squares of a head

struct Params {
  rows: u32,
  heads: u32, // H
  kv_heads: u32,
  k_start: u32,
  v_start: u32,
//#if NORM
  eps: f32,
//#endif
}

@group(0) @binding(0) var<storage, read> raw: array<E>;
@group(0) @binding(1) var<storage, read> positions: array<u32>;
@group(0) @binding(2) var<storage, read> inverse_frequencies: array<f32>;
@group(0) @binding(3) var<storage, read_write> heads: array<E>;
@group(0) @binding(4) var<uniform> params: Params;
//#if NORM
@group(0) @binding(5) var<storage, read> q_weight: array<f32>;
@group(0) @binding(6) var<storage, read> k_weight: array<f32>;

var<workgroup> sums: array<f32, HEADS * LANES>;
var<workgroup> rstd: array<f32, HEADS>;
//#endif

var<workgroup> turns: array<vec2<f32>, HALF>;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = flat_group(group, groups);
  if (row >= params.rows) {
    return;
  }
  let kv_width = params.kv_heads * 2u * HALF;
  let start = row * (HEADS * 2u * HALF + kv_width);
  for (var i = thread; i < HALF; i += WG) {
    turns[i] = cos_sin(positions[row], inverse_frequencies[i]);
  }
//#if NORM
  for (var job = thread; job < HEADS * LANES; job += WG) {
    let first = start + job / LANES * 2u * HALF;
    var squares = 0.0;
    for (var i = job % LANES; i < 2u * HALF; i += LANES) {
      let value = f32(raw[first + i]);
      squares += value * value;
    }
    sums[job] = squares;
  }
  workgroupBarrier();
  for (var head = thread; head < HEADS; head += WG) {
    var squares = 0.0;
    for (var lane = 0u; lane < LANES; lane++) {
      squares += sums[head * LANES + lane];
    }
    rstd[head] = inverseSqrt(squares / f32(2u * HALF) + params.eps);
  }
//#endif
  workgroupBarrier();
  for (var at = thread; at < HEADS * HALF; at += WG) {
    let head = at / HALF;
    let i = at % HALF;
    let first = start + head * 2u * HALF + i;
    var x = vec2<f32>(f32(raw[first]), f32(raw[first + HALF]));
    let of_q = head < params.heads;
//#if NORM
    if (of_q) {
      x *= rstd[head] * vec2<f32>(q_weight[i], q_weight[i + HALF]);
    } else {
      x *= rstd[head] * vec2<f32>(k_weight[i], k_weight[i + HALF]);
    }
//#endif
    let of_k = params.k_start + (row * params.kv_heads + head - params.heads) * 2u * HALF;
    let to = select(of_k, (row * params.heads + head) * 2u * HALF, of_q) + i;
    let turn = turns[i];
    heads[to] = to_e(x.x * turn.x - x.y * turn.y);
    heads[to + HALF] = to_e(x.y * turn.x + x.x * turn.y);
  }
  let values = start + HEADS * 2u * HALF;
  for (var i = thread; i < kv_width; i += WG) {
    heads[params.v_start + row * kv_width + i] = raw[values + i];
  }
}
