// The gated delta rule (lib/delta_rule.wgsl) of many sequences, token after token: for what is decoded together, where a
// segment is mostly one token. segments[s] = (first row, rows, the state it goes on from, the state it leaves), states
// numbered within pool [·, value heads, DK, DV] f32; NEW begins with zeros. A state that several segments go on from is
// left by none. qkv and gates as in lib/delta_rule.wgsl; o [T, value heads, DV] f32.
// One thread per segment, value head and column of its state, which no other thread touches.
//#include lib/grid.wgsl
const WG: u32 = 64;
const NEW: u32 = 0xffffffffu;

struct Params {
  segments: u32,
  key_heads: u32,
  value_heads: u32,
  key_dim: u32,
  value_dim: u32,
}

@group(0) @binding(0) var<storage, read> qkv: array<f32>;
@group(0) @binding(1) var<storage, read> gates: array<f32>;
@group(0) @binding(2) var<storage, read> segments: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> pool: array<f32>;
@group(0) @binding(4) var<storage, read_write> o: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let tiles = (params.value_dim + WG - 1u) / WG;
  let index = flat_group(group, groups);
  let segment = index / (tiles * params.value_heads);
  let column = index % tiles * WG + thread;
  if (segment >= params.segments || column >= params.value_dim) {
    return;
  }
  let head = index / tiles % params.value_heads;
  let key_head = head / (params.value_heads / params.key_heads);
  let width = 2u * params.key_heads * params.key_dim + params.value_heads * params.value_dim;
  let rows = segments[segment];
  let size = params.key_dim * params.value_dim;
  let to = (rows.w * params.value_heads + head) * size + column;
  var read = (rows.z * params.value_heads + head) * size + column;
  for (var i = 0u; i < rows.y; i++) {
    let t = rows.x + i;
    let is_new = i == 0u && rows.z == NEW;
    if (is_new || i > 0u) {
      read = to;
    }
    let of_q = t * width + key_head * params.key_dim;
    let of_k = t * width + (params.key_heads + key_head) * params.key_dim;
    let gate = 5u * t * params.value_heads + head;
    let decay = exp(gates[gate + params.value_heads]);
    var seen = 0.0;
    if (!is_new) {
      for (var d = 0u; d < params.key_dim; d++) {
        seen += pool[read + d * params.value_dim] * qkv[of_k + d];
      }
    }
    let value = qkv[t * width + 2u * params.key_heads * params.key_dim + head * params.value_dim + column];
    let added = gates[gate] * (value - decay * seen);
    var sum = 0.0;
    for (var d = 0u; d < params.key_dim; d++) {
      var state = qkv[of_k + d] * added;
      if (!is_new) {
        state += decay * pool[read + d * params.value_dim];
      }
      pool[to + d * params.value_dim] = state;
      sum += state * qkv[of_q + d];
    }
    o[(t * params.value_heads + head) * params.value_dim + column] = sum;
  }
}
