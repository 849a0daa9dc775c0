// Splits the queries, keys and values of a token into separate tensors: q and k are turned by their position, in pairs
//   y_a, y_b = x_a cos − x_b sin,  x_b cos + x_a sin
// and with NORM normalized before or after it (lib/rope.wgsl); v is copied.
// raw [rows, (H + GATES + 2 Hkv) · D] E; heads E holds q [rows, H, D], and from k_start and v_start on k and v [rows, Hkv, D];
// positions [rows] u32, inverse_frequencies [TURNED] f32, weights [D] f32. One workgroup per token.
//#include lib/elem.wgsl
//#include lib/rope.wgsl

@group(0) @binding(0) var<storage, read> raw: array<E>;
@group(0) @binding(1) var<storage, read> positions: array<u32>;
@group(0) @binding(2) var<storage, read> inverse_frequencies: array<f32>;
@group(0) @binding(3) var<storage, read_write> heads: array<E>;
@group(0) @binding(4) var<uniform> params: Params;
//#if NORM
//#if !WEIGHTLESS
@group(0) @binding(5) var<storage, read> q_weight: array<f32>;
@group(0) @binding(6) var<storage, read> k_weight: array<f32>;
//#endif

var<workgroup> sums: array<f32, HEADS * LANES>;
var<workgroup> rstd: array<f32, HEADS>;
//#endif

fn pair_of(first: u32, i: u32) -> vec2<f32> {
  let at = first + first_of(i);
  return vec2<f32>(f32(raw[at]), f32(raw[at + gap_of(i)]));
}

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
  let position = positions[row];
  let kv_width = params.kv_heads * 2u * HALF;
  let start = row * ((HEADS + GATES) * 2u * HALF + kv_width);
  for (var i = thread; i < TURNED; i += WG) {
    turns[i] = make_turn(position, inverse_frequencies[i]);
  }
//#if NORM
//#if NORM_AFTER
  workgroupBarrier();
//#endif
  for (var job = thread; job < HEADS * LANES; job += WG) {
    let first = start + place_of(job / LANES) * 2u * HALF;
    var squares = 0.0;
//#if NORM_AFTER
    for (var i = job % LANES; i < HALF; i += LANES) {
      let value = turned(pair_of(first, i), i);
      squares += dot(value, value);
    }
//#else
    for (var i = job % LANES; i < 2u * HALF; i += LANES) {
      let value = f32(raw[first + i]);
      squares += value * value;
    }
//#endif
    sums[job] = squares;
  }
  workgroupBarrier();
  for (var head = thread; head < HEADS; head += WG) {
    let range = normed_with(head);
    var squares = 0.0;
    for (var job = range.x * LANES; job < range.y * LANES; job++) {
      squares += sums[job];
    }
    rstd[head] = inverseSqrt(squares / f32((range.y - range.x) * 2u * HALF) + params.eps);
  }
//#endif
  workgroupBarrier();
  for (var at = thread; at < HEADS * HALF; at += WG) {
    let head = at / HALF;
    let i = at % HALF;
    var x = pair_of(start + place_of(head) * 2u * HALF, i);
    let of_q = head < params.heads;
//#if NORM
//#if NORM_AFTER
    x = turned(x, i) * (rstd[head] * norm_weight(head, i));
//#else
    x = turned(x * (rstd[head] * norm_weight(head, i)), i);
//#endif
//#else
    x = turned(x, i);
//#endif
//#if QUERY_SCALE
    x *= select(1.0, query_scale(position), of_q);
//#endif
    let of_k = params.k_start + (row * params.kv_heads + head - params.heads) * 2u * HALF;
    let to = select(of_k, (row * params.heads + head) * 2u * HALF, of_q) + first_of(i);
    heads[to] = to_e(x.x);
    heads[to + gap_of(i)] = to_e(x.y);
  }
  let values = start + (HEADS + GATES) * 2u * HALF;
  for (var i = thread; i < kv_width; i += WG) {
    heads[params.v_start + row * kv_width + i] = raw[values + i];
  }
}
