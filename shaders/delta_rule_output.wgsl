// o_i = a_i Sᵀ q_i + Σ_{j ≤ i} (q_i · k_j) D_ij V_j of each chunk and head (lib/delta_rule.wgsl). added is V, states
// [chunks, value heads, DK, DV] f32 S. One workgroup per chunk and head; a thread computes a column of
// ROWS tokens at a time.
//#include lib/grid.wgsl
//#include lib/delta_rule.wgsl
//#include lib/delta_rule_pairs.wgsl
//#include lib/delta_rule_keys.wgsl
const WG: u32 = 128;
const ROWS: u32 = 4; // tokens of a thread

struct Params {
//#include lib/delta_rule_sizes.wgsl
  known: u32,
}

@group(0) @binding(0) var<storage, read> qkv: array<f32>;
@group(0) @binding(1) var<storage, read> gates: array<f32>;
@group(0) @binding(2) var<storage, read> segment_start: array<u32>;
@group(0) @binding(3) var<storage, read> added: array<f32>;
@group(0) @binding(4) var<storage, read> states: array<f32>;
@group(0) @binding(5) var<storage, read_write> o: array<f32>;
@group(0) @binding(6) var<uniform> params: Params;

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
  let chunk = job / params.value_heads;
  let first = chunk * CHUNK;
  let count = tokens_of(first);
  load_chunk(first, head, thread);
  multiply_keys(first, head, thread, true);
  for (var at = thread; at < CHUNK / ROWS * params.value_dim; at += WG) {
    let i = at / params.value_dim * ROWS;
    let c = at % params.value_dim;
//#for I ROWS
    let t_I = min(first + i + I, params.rows - 1u);
    var sum_I = 0.0;
//#end
//#for I ROWS
    let q_I = q_of(t_I, head);
//#end
    let state = state_of(chunk, head) + c;
    for (var d = 0u; d < params.key_dim; d++) {
      let s = states[state + d * params.value_dim];
//#for I ROWS
      sum_I += qkv[q_I + d] * s;
//#end
    }
//#for I ROWS
    sum_I *= from_state[i + I];
//#end
    let values = value_row(first, head) + c;
    let pairs = i * CHUNK;
    for (var j = 0u; j < min(count, i + ROWS); j++) {
      let v = added[values + j * (params.value_heads * params.value_dim)];
//#for I ROWS
      sum_I += products[pairs + I * CHUNK + j] * v;
//#end
    }
//#for I ROWS
    if (i + I < count) {
      o[value_row(t_I, head) + c] = sum_I;
    }
//#end
  }
}
