// The gradient of rope.wgsl: turns the gradients of q and k back, with NORM passes them through the head norm, with
// g = dy · weight:  dx = rstd · (g − x · rstd² · mean(g · x)), and joins them with the gradient of v. With TRAINED also
// each token's gradients of the norm weights, dy · x · rstd summed over the heads that share a weight: d_norm f32, those
// of q before those of k, [rows, 2, D], with WIDE [rows, H + Hkv, D].
// d_heads f32 in the layout of heads, raw E as in rope.wgsl, d_raw f32 in the layout of raw. One workgroup per token.
//#include lib/rope.wgsl
alias E = f32;

@group(0) @binding(0) var<storage, read> d_heads: array<f32>;
@group(0) @binding(1) var<storage, read> positions: array<u32>;
@group(0) @binding(2) var<storage, read> inverse_frequencies: array<f32>;
@group(0) @binding(3) var<storage, read_write> d_raw: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;
//#if NORM
//#if !WEIGHTLESS
@group(0) @binding(5) var<storage, read> q_weight: array<f32>;
@group(0) @binding(6) var<storage, read> k_weight: array<f32>;
//#endif
@group(0) @binding(7) var<storage, read> raw: array<E>;
//#if TRAINED
@group(0) @binding(8) var<storage, read_write> d_norm: array<f32>;
//#endif

// Of squares, and of g · x.
var<workgroup> sums: array<vec2<f32>, HEADS * LANES>;
// rstd and rstd² · mean(g · x).
var<workgroup> factors: array<vec2<f32>, HEADS>;

// Pair i of what the norm of a head reads.
fn normed_pair(start: u32, head: u32, i: u32) -> vec2<f32> {
  let at = start + place_of(head) * 2u * HALF + first_of(i);
  let x = vec2<f32>(f32(raw[at]), f32(raw[at + gap_of(i)]));
//#if NORM_AFTER
  return turned(x, i);
//#else
  return x;
//#endif
}
//#endif

// The gradient of pair i of a head: of what the norm of the head writes, if there is one after the turn, else of what
// is turned.
fn gradient_of(row: u32, head: u32, i: u32) -> vec2<f32> {
  let of_q = head < params.heads;
  let of_k = params.k_start + (row * params.kv_heads + head - params.heads) * 2u * HALF;
  let at = select(of_k, (row * params.heads + head) * 2u * HALF, of_q) + first_of(i);
  var dy = vec2<f32>(d_heads[at], d_heads[at + gap_of(i)]);
//#if QUERY_SCALE
  dy *= select(1.0, query_scale(positions[row]), of_q);
//#endif
//#if NORM_AFTER
  return dy;
//#else
  return turned_back(dy, i);
//#endif
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
  let kv_width = params.kv_heads * 2u * HALF;
  let start = row * ((HEADS + GATES) * 2u * HALF + kv_width);
  for (var i = thread; i < TURNED; i += WG) {
    turns[i] = make_turn(positions[row], inverse_frequencies[i]);
  }
  workgroupBarrier();
//#if NORM
  for (var job = thread; job < HEADS * LANES; job += WG) {
    let head = job / LANES;
    var sum = vec2<f32>(0.0);
    for (var i = job % LANES; i < HALF; i += LANES) {
      let x = normed_pair(start, head, i);
      sum += vec2<f32>(dot(x, x), dot(x, gradient_of(row, head, i) * norm_weight(head, i)));
    }
    sums[job] = sum;
  }
  workgroupBarrier();
  for (var head = thread; head < HEADS; head += WG) {
    let range = normed_with(head);
    var sum = vec2<f32>(0.0);
    for (var job = range.x * LANES; job < range.y * LANES; job++) {
      sum += sums[job];
    }
    sum /= f32((range.y - range.x) * 2u * HALF);
    let rstd = inverseSqrt(sum.x + params.eps);
    factors[head] = vec2<f32>(rstd, rstd * rstd * sum.y);
  }
  workgroupBarrier();
//#if TRAINED
//#if WIDE
  for (var at = thread; at < HEADS * HALF; at += WG) {
    let head = at / HALF;
    let i = at % HALF;
    let sum = gradient_of(row, head, i) * normed_pair(start, head, i) * factors[head].x;
    let target_at = (row * HEADS + head) * 2u * HALF + first_of(i);
    d_norm[target_at] = sum.x;
    d_norm[target_at + gap_of(i)] = sum.y;
  }
//#else
  for (var at = thread; at < 2u * HALF; at += WG) {
    let of_k = at >= HALF;
    let i = at % HALF;
    let end = select(params.heads, HEADS, of_k);
    var sum = vec2<f32>(0.0);
    for (var head = select(0u, params.heads, of_k); head < end; head++) {
      sum += gradient_of(row, head, i) * normed_pair(start, head, i) * factors[head].x;
    }
    let target_at = (2u * row + select(0u, 1u, of_k)) * 2u * HALF + first_of(i);
    d_norm[target_at] = sum.x;
    d_norm[target_at + gap_of(i)] = sum.y;
  }
//#endif
//#endif
//#endif
  for (var at = thread; at < HEADS * HALF; at += WG) {
    let head = at / HALF;
    let i = at % HALF;
    var dx = gradient_of(row, head, i);
//#if NORM
    dx *= norm_weight(head, i);
    dx = factors[head].x * (dx - normed_pair(start, head, i) * factors[head].y);
//#if NORM_AFTER
    dx = turned_back(dx, i);
//#endif
//#endif
    let to = start + place_of(head) * 2u * HALF + first_of(i);
    d_raw[to] = dx.x;
    d_raw[to + gap_of(i)] = dx.y;
  }
  let values = start + (HEADS + GATES) * 2u * HALF;
  for (var i = thread; i < kv_width; i += WG) {
    d_raw[values + i] = d_heads[params.v_start + row * kv_width + i];
  }
}
