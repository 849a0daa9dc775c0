// In `products`, for each pair of a chunk's tokens (lib/delta_rule.wgsl): (q_i · k_j) D_ij with `by_query`, else
// β_i (k_i · k_j) D_ij, which is A_ij for j < i. Ends with a barrier.
fn multiply_keys(first: u32, head: u32, thread: u32, by_query: bool) {
  let count = tokens_of(first);
  clear_products(count, thread);
  for (var d = 0u; d < params.key_dim; d += TILE) {
    workgroupBarrier();
    for (var at = thread; at < CHUNK * TILE; at += WG) {
      let i = at / TILE;
      let column = d + at % TILE;
      left[at] = 0.0;
      right[at] = 0.0;
      if (i < count && column < params.key_dim) {
        let key = qkv[k_of(first + i, head) + column];
        if (by_query) {
          left[at] = qkv[q_of(first + i, head) + column];
        } else {
          left[at] = beta[i] * key;
        }
        right[at] = key;
      }
    }
    workgroupBarrier();
    add_products(count, thread);
  }
  decay_products(count, thread);
}
