// d_logits [rows, experts] f32 from d_weights [rows, top] f32, the gradient of the weights of the chosen experts; which
// are chosen does not depend on the logits. One invocation per token.
//   d_logit_e = share_e · (d_weight_e − Σ_j share_j · d_weight_j), where d_weight_e is 0 if e is not chosen.
// Where the total sums the chosen alone, the others have no share.
//#include lib/routing.wgsl
@group(0) @binding(2) var<storage, read> chosen: array<u32>;
@group(0) @binding(3) var<storage, read> d_weights: array<f32>;
@group(0) @binding(4) var<storage, read_write> d_logits: array<f32>;

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
  let totals = totals_of(row);
  var mean = 0.0;
  for (var j = 0u; j < params.top; j++) {
    let at = row * params.top + j;
    mean += share_of(row, chosen[at], totals) * d_weights[at];
  }
  for (var e = 0u; e < params.experts; e++) {
//#if AMONG_CHOSEN
    d_logits[row * params.experts + e] = 0.0;
//#else
    d_logits[row * params.experts + e] = -share_of(row, e, totals) * mean;
//#endif
  }
  for (var j = 0u; j < params.top; j++) {
    let at = row * params.top + j;
    d_logits[row * params.experts + chosen[at]] = share_of(row, chosen[at], totals) * (d_weights[at] - mean);
  }
}
