// What all attention kernels share: which rows belong together and which see each other.
//
// The queries of one KV head are flattened to token · GROUP + head of the group, so that a tile of keys serves
// all query heads of its group and short tiles waste little on the causal diagonal.
const D4: u32 = 4; // head dimension in vec4s
const GROUP: u32 = 1; // query heads of a KV head

// Far below any score, far above the f32 limit: differences of two such numbers stay finite.
const MASKED: f32 = -1e30;

// Row of the [T, H, ·] tensors that holds flattened query `row` of `kv_head`.
fn query_at(row: u32, kv_head: u32, kv_heads: u32) -> u32 {
  return (row / GROUP * kv_heads + kv_head) * GROUP + row % GROUP;
}

// The first key a query at `position` may see; a window of 0 has no bound.
fn first_in_window(position: u32, window: u32) -> u32 {
  return select(0u, position + 1u - window, window > 0u && position >= window);
}
