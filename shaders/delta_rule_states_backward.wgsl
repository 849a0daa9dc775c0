// The gradient of the state after each chunk (lib/delta_rule.wgsl), from the last chunk to the first: d_states [chunks,
// value heads, DK, DV] f32; and the whole gradient of V, to which the state adds b_j dSᵀ k_j:
//   dS ← a_last dS + Σ_i (a_i q_i do_iᵀ − w_i dV_iᵀ)
// gradients holds do, and from `second` on that of V. One workgroup per head and `columns` columns of DV.
//#include lib/grid.wgsl
//#include lib/delta_rule.wgsl
const WG: u32 = 128;
const STATE: u32 = 2048; // elements of a state that a workgroup holds
const MOST: u32 = 16; // columns of those

struct Params {
//#include lib/delta_rule_sizes.wgsl
  columns: u32,
  second: u32,
}

@group(0) @binding(0) var<storage, read> qkv: array<f32>;
@group(0) @binding(1) var<storage, read> gates: array<f32>;
@group(0) @binding(2) var<storage, read> segment_start: array<u32>;
@group(0) @binding(3) var<storage, read> w: array<f32>;
@group(0) @binding(4) var<storage, read_write> gradients: array<f32>;
@group(0) @binding(5) var<storage, read_write> d_states: array<f32>;
@group(0) @binding(6) var<uniform> params: Params;

var<workgroup> ds: array<f32, STATE>;
var<workgroup> of_output: array<f32, CHUNK * MOST>;
var<workgroup> of_added: array<f32, CHUNK * MOST>;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let job = flat_group(group, groups);
  let tiles = (params.value_dim + params.columns - 1u) / params.columns;
  if (job >= params.value_heads * tiles) {
    return;
  }
  let head = job / tiles;
  let column = job % tiles * params.columns;
  for (var at = thread; at < params.key_dim * params.columns; at += WG) {
    ds[at] = 0.0;
  }
  for (var back = 1u; back <= params.chunks; back++) {
    let chunk = params.chunks - back;
    let first = chunk * CHUNK;
    let count = tokens_of(first);
    load_chunk(first, head, thread);
    for (var at = thread; at < params.key_dim * params.columns; at += WG) {
      let c = column + at % params.columns;
      if (c < params.value_dim) {
        d_states[state_of(chunk, head) + at / params.columns * params.value_dim + c] = ds[at];
      }
    }
    for (var at = thread; at < CHUNK * params.columns; at += WG) {
      let i = at / params.columns;
      let c = column + at % params.columns;
      of_output[at] = 0.0;
      of_added[at] = 0.0;
      if (i < count && c < params.value_dim) {
        let of_o = value_row(first + i, head) + c;
        var sum = 0.0;
        for (var d = 0u; d < params.key_dim; d++) {
          sum += qkv[k_of(first + i, head) + d] * ds[d * params.columns + at % params.columns];
        }
        let value = gradients[params.second + of_o] + to_state[i] * sum;
        gradients[params.second + of_o] = value;
        of_added[at] = value;
        of_output[at] = from_state[i] * gradients[of_o];
      }
    }
    workgroupBarrier();
    let kept = from_state[count - 1u];
    for (var at = thread; at < params.key_dim * params.columns; at += WG) {
      let d = at / params.columns;
      var value = kept * ds[at];
      for (var i = 0u; i < count; i++) {
        let t = first + i;
        let in_tile = i * params.columns + at % params.columns;
        value += qkv[q_of(t, head) + d] * of_output[in_tile];
        value -= w[key_row(t, head) + d] * of_added[in_tile];
      }
      ds[at] = value;
    }
  }
}
