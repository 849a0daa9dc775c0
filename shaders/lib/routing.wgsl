// The share of each expert for a token, from its logits: exp(logit − top) / total, where total sums all experts, or with
// AMONG_CHOSEN those chosen.
//#include lib/grid.wgsl
const WG: u32 = 64;

struct Params {
  rows: u32,
  experts: u32,
  top: u32,
}

@group(0) @binding(0) var<storage, read> logits: array<f32>; // [rows, experts]
@group(0) @binding(1) var<uniform> params: Params;

// The token of a thread.
fn token_of(group: vec3<u32>, groups: vec3<u32>, thread: u32) -> u32 {
  return flat_group(group, groups) * WG + thread;
}

// The largest logit of a token, and the total relative to it.
fn totals_of(row: u32) -> vec2<f32> {
  var largest = logits[row * params.experts];
  for (var e = 1u; e < params.experts; e++) {
    largest = max(largest, logits[row * params.experts + e]);
  }
  var total = 0.0;
//#if AMONG_CHOSEN
  for (var j = 0u; j < params.top; j++) {
    total += exp(logits[row * params.experts + chosen[row * params.top + j]] - largest);
  }
//#else
  for (var e = 0u; e < params.experts; e++) {
    total += exp(logits[row * params.experts + e] - largest);
  }
//#endif
  return vec2<f32>(largest, total);
}

fn share_of(row: u32, expert: u32, totals: vec2<f32>) -> f32 {
  return exp(logits[row * params.experts + expert] - totals.x) / totals.y;
}
