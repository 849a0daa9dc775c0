// Shared by rope.wgsl and its gradient: the pairs of a head that turn together, their turns, and the norms of heads.
//
// Pair i of TURNED turns by positions[t] · inverse_frequencies[i], the other way with REVERSED; its elements are i and
// i + TURNED, with INTERLEAVED 2i and 2i + 1. What is behind them (partial rotary) does not turn. With QUERY_SCALE, q is
// multiplied by 1 + BETA · log(1 + floor(position / CONTEXT)) at the end (Llama 4).
//
// With NORM, each head of q and k is normalized, x · rstd · (OFFSET + weight) with rstd = 1 / sqrt(mean(x²) + eps); with
// WIDE over all heads of a token at once, with weights for each; with WEIGHTLESS by rstd alone; with NORM_AFTER after
// the turn, else before it.
//#include lib/grid.wgsl
//#include lib/angle.wgsl
const WG: u32 = 128;
const HALF: u32 = 8; // D / 2
const HEADS: u32 = 4; // H + Hkv
const GATES: u32 = 0; // H if each query is followed by a gate, which is left alone, else 0
const LANES: u32 = 8; // threads that reduce over a head
const TURNED: u32 = 8; // pairs that turn, at most HALF
const TURNS: u32 = 8; // max(1, TURNED)
const MAGNITUDE: f32 = 1.0; // of turns
const OFFSET: f32 = 0.0;
const BETA: f32 = 0.0;
const CONTEXT: u32 = 1;

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

var<workgroup> turns: array<vec2<f32>, TURNS>;

// Where a head is in a row of raw, in heads.
fn place_of(head: u32) -> u32 {
  return head + min(head, GATES);
}

// The first element of pair i, and how far the second is from it.
fn first_of(i: u32) -> u32 {
//#if INTERLEAVED
  return 2u * i;
//#else
  return select(i, i + TURNED, i >= TURNED);
//#endif
}

fn gap_of(i: u32) -> u32 {
//#if INTERLEAVED
  return 1u;
//#else
  return select(TURNED, HALF - TURNED, i >= TURNED);
//#endif
}

// (cos, sin) of pair i at a position, times MAGNITUDE.
fn make_turn(position: u32, frequency: f32) -> vec2<f32> {
  let turn = MAGNITUDE * cos_sin(position, frequency);
//#if REVERSED
  return vec2<f32>(turn.x, -turn.y);
//#else
  return turn;
//#endif
}

fn turn_of(i: u32) -> vec2<f32> {
  return select(turns[min(i, TURNS - 1u)], vec2<f32>(1.0, 0.0), i >= TURNED);
}

fn turned(x: vec2<f32>, i: u32) -> vec2<f32> {
  let turn = turn_of(i);
  return vec2<f32>(x.x * turn.x - x.y * turn.y, x.y * turn.x + x.x * turn.y);
}

fn turned_back(x: vec2<f32>, i: u32) -> vec2<f32> {
  let turn = turn_of(i);
  return vec2<f32>(x.x * turn.x + x.y * turn.y, x.y * turn.x - x.x * turn.y);
}

fn query_scale(position: u32) -> f32 {
  return 1.0 + BETA * log(1.0 + f32(position / CONTEXT));
}

//#if NORM
// The heads that a head is normalized with: from x up to y.
fn normed_with(head: u32) -> vec2<u32> {
//#if WIDE
  return select(vec2<u32>(params.heads, HEADS), vec2<u32>(0u, params.heads), head < params.heads);
//#else
  return vec2<u32>(head, head + 1u);
//#endif
}

// The factors of pair i of a head.
fn norm_weight(head: u32, i: u32) -> vec2<f32> {
//#if WEIGHTLESS
  return vec2<f32>(1.0);
//#else
  let of_q = head < params.heads;
//#if WIDE
  let first = (head - select(params.heads, 0u, of_q)) * 2u * HALF + first_of(i);
//#else
  let first = first_of(i);
//#endif
  let second = first + gap_of(i);
  if (of_q) {
    return OFFSET + vec2<f32>(q_weight[first], q_weight[second]);
  }
  return OFFSET + vec2<f32>(k_weight[first], k_weight[second]);
//#endif
}
//#endif
