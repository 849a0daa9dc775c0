// Of each chunk and head, with A and a as in lib/delta_rule.wgsl: w = (1 + A)⁻¹ (β a k) and u = (1 + A)⁻¹ (β v), so that
// V = u − w S. One workgroup per chunk and head; a thread solves a column at a time.
//#include lib/grid.wgsl
//#include lib/delta_rule.wgsl
//#include lib/delta_rule_pairs.wgsl
//#include lib/delta_rule_keys.wgsl
const WG: u32 = 64;

struct Params {
//#include lib/delta_rule_sizes.wgsl
  known: u32,
}

@group(0) @binding(0) var<storage, read> qkv: array<f32>;
@group(0) @binding(1) var<storage, read> gates: array<f32>;
@group(0) @binding(2) var<storage, read> segment_start: array<u32>;
@group(0) @binding(3) var<storage, read_write> w: array<f32>;
@group(0) @binding(4) var<storage, read_write> u: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

// A column of each thread.
var<workgroup> solved: array<f32, CHUNK * WG>;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let job = flat_group(group, groups);
  if (job >= params.chunks * params.value_heads) {
    return;
  }
  let head = job % params.value_heads;
  let first = job / params.value_heads * CHUNK;
  let count = tokens_of(first);
  load_chunk(first, head, thread);
  multiply_keys(first, head, thread, false);
  for (var column = thread; column < params.key_dim + params.value_dim; column += WG) {
    for (var i = 0u; i < count; i++) {
      let t = first + i;
      var value = beta[i];
      if (column < params.key_dim) {
        value *= from_state[i] * qkv[k_of(t, head) + column];
      } else {
        value *= qkv[v_of(t, head) + column - params.key_dim];
      }
      for (var j = 0u; j < i; j++) {
        value -= products[i * CHUNK + j] * solved[j * WG + thread];
      }
      solved[i * WG + thread] = value;
      if (column < params.key_dim) {
        w[key_row(t, head) + column] = value;
      } else {
        u[value_row(t, head) + column - params.key_dim] = value;
      }
    }
  }
}
