// Shared by all attention kernels: the numbering of rows, which rows see each other, and what a product q·k becomes: a
// score = scale · q·k, with CAPPED CAP · tanh(scale · q·k / CAP).
//
// The queries of one KV head are flattened to token · GROUP + head within the group, so that a tile of keys serves all
// query heads of its group and short tiles waste little on the causal diagonal.
const D4: u32 = 4; // head dimension in vec4s
const GROUP: u32 = 1; // query heads per KV head
const CAP: f32 = 1.0;

// Far below any score, far above the f32 minimum: differences of two such values stay finite.
const MASKED: f32 = -1e30;

// The row of the [T, H, ·] tensors for flattened query `row` of `kv_head`.
fn query_at(row: u32, kv_head: u32, kv_heads: u32) -> u32 {
  return (row / GROUP * kv_heads + kv_head) * GROUP + row % GROUP;
}

// The first key that a query at `position` may see; a window of 0 is unlimited.
fn first_in_window(position: u32, window: u32) -> u32 {
  return select(0u, position + 1u - window, window > 0u && position >= window);
}

//#if CAPPED
//#include lib/tanh.wgsl
fn score_of(product: f32) -> f32 {
  return CAP * tanh_of(product * params.scale / CAP);
}

fn scores_of(product: vec4<f32>) -> vec4<f32> {
  return vec4<f32>(score_of(product.x), score_of(product.y), score_of(product.z), score_of(product.w));
}
//#else
fn score_of(product: f32) -> f32 {
  return product * params.scale;
}

fn scores_of(product: vec4<f32>) -> vec4<f32> {
  return product * params.scale;
}
//#endif

// The derivative of a score by its product.
fn slope_of(score: f32) -> f32 {
//#if CAPPED
  return params.scale * (1.0 - (score / CAP) * (score / CAP));
//#else
  return params.scale;
//#endif
}

fn slopes_of(score: vec4<f32>) -> vec4<f32> {
//#if CAPPED
  return params.scale * (1.0 - (score / CAP) * (score / CAP));
//#else
  return vec4<f32>(params.scale);
//#endif
}
