// The gradient r of β (v − a Sᵀ k) of each chunk and head (lib/delta_rule.wgsl), (1 + A)ᵀ r = dV, which replaces dV in
// gradients, from `second` on; and that of v, β r, in d_qkv f32 in the layout of qkv. One workgroup per chunk and head; a
// thread solves a column at a time.
//#include lib/grid.wgsl
//#include lib/delta_rule.wgsl
//#include lib/delta_rule_pairs.wgsl
//#include lib/delta_rule_keys.wgsl
const WG: u32 = 64;

struct Params {
//#include lib/delta_rule_sizes.wgsl
  second: u32,
}

@group(0) @binding(0) var<storage, read> qkv: array<f32>;
@group(0) @binding(1) var<storage, read> gates: array<f32>;
@group(0) @binding(2) var<storage, read> segment_start: array<u32>;
@group(0) @binding(3) var<storage, read_write> gradients: array<f32>;
@group(0) @binding(4) var<storage, read_write> d_qkv: array<f32>;
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
  for (var column = thread; column < params.value_dim; column += WG) {
    for (var back = 1u; back <= count; back++) {
      let j = count - back;
      let t = first + j;
      let at = params.second + value_row(t, head) + column;
      var value = gradients[at];
      for (var i = j + 1u; i < count; i++) {
        value -= products[i * CHUNK + j] * solved[i * WG + thread];
      }
      solved[j * WG + thread] = value;
      gradients[at] = value;
      d_qkv[v_of(t, head) + column] = beta[j] * value;
    }
  }
}
