// The experts of each token and their weights: the `top` largest logits, the first of equal ones.
// logits [rows, experts] f32, chosen [rows, top] u32, weights [rows, top] f32. One invocation per token.
//#include lib/routing.wgsl
@group(0) @binding(2) var<storage, read_write> chosen: array<u32>;
@group(0) @binding(3) var<storage, read_write> weights: array<f32>;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = token_of(group, groups, thread);
  if (row >= params.rows) {
    return;
  }
  var last = 0u;
  for (var j = 0u; j < params.top; j++) {
    // The next of all experts in descending order of their logits, equal ones in their order.
    let above = logits[row * params.experts + last];
    var best = params.experts;
    for (var e = 0u; e < params.experts; e++) {
      let logit = logits[row * params.experts + e];
      let is_left = j == 0u || logit < above || (logit == above && e > last);
      if (is_left && (best == params.experts || logit > logits[row * params.experts + min(best, params.experts - 1u)])) {
        best = e;
      }
    }
    // No comparison holds for what is not a number: any expert, so that all indices stay valid.
    last = select(best, j, best == params.experts);
    chosen[row * params.top + j] = last;
  }
  let totals = totals_of(row);
  for (var j = 0u; j < params.top; j++) {
    weights[row * params.top + j] = share_of(row, chosen[row * params.top + j], totals);
  }
}
