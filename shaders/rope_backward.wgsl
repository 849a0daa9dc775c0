// The gradient of rope.wgsl: turns the gradients of q and k back (the rotation is orthogonal), with NORM takes them
// through the norm of the heads, g = dy · weight:  dx = rstd · (g − x · rstd² · mean(g · x)), and puts them and the
// gradient of v beside each other again. With TRAINED also what each token adds to the gradients of the norms' weights,
// the sum of dy · x · rstd over its heads: d_norm [rows, 2, D] f32, that of q before that of k.
// d_heads f32 in the layout of heads, raw E as it was, d_raw f32 in the layout of raw. One workgroup a token.
//#include lib/grid.wgsl
//#include lib/angle.wgsl
alias E = f32;
const WG: u32 = 128;
const HALF: u32 = 8; // D / 2
const HEADS: u32 = 4; // H + Hkv
const LANES: u32 = 8; // threads that sum over a head

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

@group(0) @binding(0) var<storage, read> d_heads: array<f32>;
@group(0) @binding(1) var<storage, read> positions: array<u32>;
@group(0) @binding(2) var<storage, read> inverse_frequencies: array<f32>;
@group(0) @binding(3) var<storage, read_write> d_raw: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;
//#if NORM
@group(0) @binding(5) var<storage, read> q_weight: array<f32>;
@group(0) @binding(6) var<storage, read> k_weight: array<f32>;
@group(0) @binding(7) var<storage, read> raw: array<E>;
//#if TRAINED
@group(0) @binding(8) var<storage, read_write> d_norm: array<f32>;
//#endif

// Of squares, and of g · x.
var<workgroup> sums: array<vec2<f32>, HEADS * LANES>;
// rstd and rstd² · mean(g · x).
var<workgroup> factors: array<vec2<f32>, HEADS>;
//#endif

var<workgroup> turns: array<vec2<f32>, HALF>;

// The gradient of the pair i of a head before its rotation.
fn turned_back(row: u32, head: u32, i: u32) -> vec2<f32> {
  let of_q = head < params.heads;
  let of_k = params.k_start + (row * params.kv_heads + head - params.heads) * 2u * HALF;
  let at = select(of_k, (row * params.heads + head) * 2u * HALF, of_q) + i;
  let dy = vec2<f32>(d_heads[at], d_heads[at + HALF]);
  let turn = turns[i];
  return vec2<f32>(dy.x * turn.x + dy.y * turn.y, dy.y * turn.x - dy.x * turn.y);
}

// The same, times the weights of the head's norm.
fn gradient_of(row: u32, head: u32, i: u32) -> vec2<f32> {
  var g = turned_back(row, head, i);
//#if NORM
  if (head < params.heads) {
    g *= vec2<f32>(q_weight[i], q_weight[i + HALF]);
  } else {
    g *= vec2<f32>(k_weight[i], k_weight[i + HALF]);
  }
//#endif
  return g;
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
  let start = row * (HEADS * 2u * HALF + kv_width);
  for (var i = thread; i < HALF; i += WG) {
    turns[i] = cos_sin(positions[row], inverse_frequencies[i]);
  }
  workgroupBarrier();
//#if NORM
  for (var job = thread; job < HEADS * LANES; job += WG) {
    let head = job / LANES;
    let first = start + head * 2u * HALF;
    var sum = vec2<f32>(0.0);
    for (var i = job % LANES; i < HALF; i += LANES) {
      let x = vec2<f32>(f32(raw[first + i]), f32(raw[first + i + HALF]));
      sum += vec2<f32>(dot(x, x), dot(x, gradient_of(row, head, i)));
    }
    sums[job] = sum;
  }
  workgroupBarrier();
  for (var head = thread; head < HEADS; head += WG) {
    var sum = vec2<f32>(0.0);
    for (var lane = 0u; lane < LANES; lane++) {
      sum += sums[head * LANES + lane];
    }
    sum /= f32(2u * HALF);
    let rstd = inverseSqrt(sum.x + params.eps);
    factors[head] = vec2<f32>(rstd, rstd * rstd * sum.y);
  }
  workgroupBarrier();
//#if TRAINED
  for (var at = thread; at < 2u * HALF; at += WG) {
    let of_k = at >= HALF;
    let i = at % HALF;
    let end = select(params.heads, HEADS, of_k);
    var sum = vec2<f32>(0.0);
    for (var head = select(0u, params.heads, of_k); head < end; head++) {
      let first = start + head * 2u * HALF + i;
      let x = vec2<f32>(f32(raw[first]), f32(raw[first + HALF]));
      sum += turned_back(row, head, i) * x * factors[head].x;
    }
    let target_at = (2u * row + select(0u, 1u, of_k)) * 2u * HALF + i;
    d_norm[target_at] = sum.x;
    d_norm[target_at + HALF] = sum.y;
  }
//#endif
//#endif
  for (var at = thread; at < HEADS * HALF; at += WG) {
    let head = at / HALF;
    let i = at % HALF;
    let first = start + head * 2u * HALF + i;
    var dx = gradient_of(row, head, i);
//#if NORM
    let x = vec2<f32>(f32(raw[first]), f32(raw[first + HALF]));
    dx = factors[head].x * (dx - x * factors[head].y);
//#endif
    d_raw[first] = dx.x;
    d_raw[first + HALF] = dx.y;
  }
  let values = start + HEADS * 2u * HALF;
  for (var i = thread; i < kv_width; i += WG) {
    d_raw[values + i] = d_heads[params.v_start + row * kv_width + i];
  }
}
