// The state before each chunk (lib/delta_rule.wgsl), chunk after chunk: states [chunks, value heads, DK, DV] f32, and
// V = u − w S, which replaces u. With PAST, the first state is that of a sequence so far: state [value heads, DK, DV]
// f32 if `known` is not 0, and becomes that after the last token. One workgroup per head and `columns` columns of DV.
//#include lib/grid.wgsl
//#include lib/delta_rule.wgsl
const WG: u32 = 128;
const STATE: u32 = 2048; // elements of a state that a workgroup holds
const MOST: u32 = 16; // columns of those

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
var<workgroup> added: array<f32, CHUNK * MOST>;

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
    for (var at = thread; at < CHUNK * params.columns; at += WG) {
      let i = at / params.columns;
      let c = column + at % params.columns;
      var value = 0.0;
      if (i < count && c < params.value_dim) {
        let t = first + i;
        value = u[value_row(t, head) + c];
        for (var d = 0u; d < params.key_dim; d++) {
          value -= w[key_row(t, head) + d] * s[d * params.columns + at % params.columns];
        }
        u[value_row(t, head) + c] = value;
      }
      added[at] = value;
    }
    workgroupBarrier();
    let kept = from_state[count - 1u];
    for (var at = thread; at < params.key_dim * params.columns; at += WG) {
      let d = at / params.columns;
      var value = kept * s[at];
      for (var j = 0u; j < count; j++) {
        value += to_state[j] * qkv[k_of(first + j, head) + d] * added[j * params.columns + at % params.columns];
      }
      s[at] = value;
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
