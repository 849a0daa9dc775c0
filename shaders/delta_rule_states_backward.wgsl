// The gradient of the state after each chunk (lib/delta_rule.wgsl), from the last chunk to the first: d_states [chunks,
// value heads, DK, DV] f32; and the whole gradient of V, to which the state adds b_j dSᵀ k_j:
//   dS ← a_last dS + Σ_i (a_i q_i do_iᵀ − w_i dV_iᵀ)
// gradients holds do, and from `second` on that of V. One workgroup per head and `columns` columns of DV.
//#include lib/grid.wgsl
//#include lib/delta_rule.wgsl
const WG: u32 = 128;
const STATE: u32 = 2048; // elements of a state that a workgroup holds
const MOST: u32 = 16; // columns of those
const ROWS: u32 = 4; // tokens, or rows of the state, of a thread

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
    for (var at = thread; at < CHUNK / ROWS * params.columns; at += WG) {
      let i = at / params.columns * ROWS;
      let own = at % params.columns;
//#for I ROWS
      let key_I = k_of(min(first + i + I, params.rows - 1u), head);
      var sum_I = 0.0;
//#end
      for (var d = 0u; d < params.key_dim; d++) {
        let of_state = ds[d * params.columns + own];
//#for I ROWS
        sum_I += qkv[key_I + d] * of_state;
//#end
      }
//#for I ROWS
      let at_I = (i + I) * params.columns + own;
      of_output[at_I] = 0.0;
      of_added[at_I] = 0.0;
      if (i + I < count && column + own < params.value_dim) {
        let of_o = value_row(first + i + I, head) + column + own;
        let value = gradients[params.second + of_o] + to_state[i + I] * sum_I;
        gradients[params.second + of_o] = value;
        of_added[at_I] = value;
        of_output[at_I] = from_state[i + I] * gradients[of_o];
      }
//#end
    }
    workgroupBarrier();
    let kept = from_state[count - 1u];
    let queries = q_of(first, head);
    let rows = key_row(first, head);
    for (var at = thread; at < (params.key_dim + ROWS - 1u) / ROWS * params.columns; at += WG) {
      let d = at / params.columns * ROWS;
      let own = at % params.columns;
//#for I ROWS
      let d_I = min(d + I, params.key_dim - 1u);
      var value_I = kept * ds[d_I * params.columns + own];
//#end
      for (var i = 0u; i < count; i++) {
        let output = of_output[i * params.columns + own];
        let value = of_added[i * params.columns + own];
        let query = queries + i * row_width();
        let row = rows + i * (params.value_heads * params.key_dim);
//#for I ROWS
        value_I += qkv[query + d_I] * output;
        value_I -= w[row + d_I] * value;
//#end
      }
//#for I ROWS
      if (d + I < params.key_dim) {
        ds[d_I * params.columns + own] = value_I;
      }
//#end
    }
  }
}
