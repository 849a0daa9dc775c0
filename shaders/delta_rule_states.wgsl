// The state before each chunk (lib/delta_rule.wgsl), chunk after chunk: states [chunks, value heads, DK, DV] f32, and
// V = u − w S, which replaces u. With PAST, the first state is that of a sequence so far: state [value heads, DK, DV]
// f32 if `known` is not 0, and becomes that after the last token. One workgroup per head and `columns` columns of DV.
//#include lib/grid.wgsl
//#include lib/delta_rule.wgsl
const WG: u32 = 128;
const STATE: u32 = 2048; // elements of a state that a workgroup holds
const MOST: u32 = 16; // columns of those
const ROWS: u32 = 4; // tokens, or rows of the state, of a thread

struct Params {
//#include lib/delta_rule_sizes.wgsl
  columns: u32,
  known: u32,
}

@group(0) @binding(0) var<storage, read> qkv: array<f32>;
@group(0) @binding(1) var<storage, read> gates: array<f32>;
@group(0) @binding(2) var<storage, read> segment_start: array<u32>;
@group(0) @binding(3) var<storage, read> w: array<f32>;
@group(0) @binding(4) var<storage, read_write> u: array<f32>;
@group(0) @binding(5) var<storage, read_write> states: array<f32>;
@group(0) @binding(6) var<uniform> params: Params;
//#if PAST
@group(0) @binding(7) var<storage, read_write> state: array<f32>;
//#endif

var<workgroup> s: array<f32, STATE>;
// What reaches the end of the chunk of what each token adds.
var<workgroup> kept_added: array<f32, CHUNK * MOST>;

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
    s[at] = 0.0;
//#if PAST
    let c = column + at % params.columns;
    if (params.known != 0u && c < params.value_dim) {
      s[at] = state[state_of(0u, head) + at / params.columns * params.value_dim + c];
    }
//#endif
  }
  for (var chunk = 0u; chunk < params.chunks; chunk++) {
    let first = chunk * CHUNK;
    let count = tokens_of(first);
    load_chunk(first, head, thread);
    for (var at = thread; at < params.key_dim * params.columns; at += WG) {
      let c = column + at % params.columns;
      if (c < params.value_dim) {
        states[state_of(chunk, head) + at / params.columns * params.value_dim + c] = s[at];
      }
    }
    for (var at = thread; at < CHUNK / ROWS * params.columns; at += WG) {
      let i = at / params.columns * ROWS;
      let own = at % params.columns;
      let exists = column + own < params.value_dim;
//#for I ROWS
      let row_I = value_row(first + i + I, head) + column + own;
      let key_I = key_row(min(first + i + I, params.rows - 1u), head);
      var value_I = 0.0;
      if (exists && i + I < count) {
        value_I = u[row_I];
      }
//#end
      for (var d = 0u; d < params.key_dim; d++) {
        let of_state = s[d * params.columns + own];
//#for I ROWS
        value_I -= w[key_I + d] * of_state;
//#end
      }
//#for I ROWS
      if (exists && i + I < count) {
        u[row_I] = value_I;
      }
      kept_added[(i + I) * params.columns + own] = to_state[i + I] * value_I;
//#end
    }
    workgroupBarrier();
    let kept = from_state[count - 1u];
    let keys = k_of(first, head);
    for (var at = thread; at < (params.key_dim + ROWS - 1u) / ROWS * params.columns; at += WG) {
      let d = at / params.columns * ROWS;
      let own = at % params.columns;
//#for I ROWS
      let d_I = min(d + I, params.key_dim - 1u);
      var value_I = kept * s[d_I * params.columns + own];
//#end
      for (var j = 0u; j < count; j++) {
        let value = kept_added[j * params.columns + own];
        let key = keys + j * row_width();
//#for I ROWS
        value_I += qkv[key + d_I] * value;
//#end
      }
//#for I ROWS
      if (d + I < params.key_dim) {
        s[d_I * params.columns + own] = value_I;
      }
//#end
    }
  }
//#if PAST
  workgroupBarrier();
  for (var at = thread; at < params.key_dim * params.columns; at += WG) {
    let c = column + at % params.columns;
    if (c < params.value_dim) {
      state[state_of(0u, head) + at / params.columns * params.value_dim + c] = s[at];
    }
  }
//#endif
}
