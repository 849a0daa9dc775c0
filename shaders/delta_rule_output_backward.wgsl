// What delta_rule_output.wgsl passes back within a chunk: Σ_{i ≥ j} (q_i · k_j) D_ij do_i, the gradient of V_j but for
// what the state after the chunk adds. gradients holds do, and from `second` on that of V. One workgroup per chunk and
// head; a thread computes a column of ROWS tokens at a time.
//#include lib/grid.wgsl
//#include lib/delta_rule.wgsl
//#include lib/delta_rule_pairs.wgsl
//#include lib/delta_rule_keys.wgsl
const WG: u32 = 128;
const ROWS: u32 = 4; // tokens of a thread

struct Params {
//#include lib/delta_rule_sizes.wgsl
  second: u32,
}

@group(0) @binding(0) var<storage, read> qkv: array<f32>;
@group(0) @binding(1) var<storage, read> gates: array<f32>;
@group(0) @binding(2) var<storage, read> segment_start: array<u32>;
@group(0) @binding(3) var<storage, read_write> gradients: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

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
  multiply_keys(first, head, thread, true);
  for (var at = thread; at < CHUNK / ROWS * params.value_dim; at += WG) {
    let j = at / params.value_dim * ROWS;
    let c = at % params.value_dim;
//#for J ROWS
    var sum_J = 0.0;
//#end
    for (var i = j; i < count; i++) {
      let d = gradients[value_row(first + i, head) + c];
//#for J ROWS
      sum_J += products[i * CHUNK + j + J] * d;
//#end
    }
//#for J ROWS
    if (j + J < count) {
      gradients[params.second + value_row(first + j + J, head) + c] = sum_J;
    }
//#end
  }
}
