// packed = x rounded once to nearest even, two elements a word. One invocation a word.
// x [count] f32 (as bits, so that NaN stays NaN), packed [⌈count / 2⌉] u32 of format W (bf16 or f16).
//#include lib/grid.wgsl
//#include lib/round.wgsl
const WG: u32 = 256;

struct Params {
  count: u32,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> packed: array<u32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let word = flat_group(group, groups) * WG + thread;
  let first = word * 2u;
  if (first >= params.count) {
    return;
  }
  var result = round_to_w(x[first]);
  if (first + 1u < params.count) {
    result |= round_to_w(x[first + 1u]) << 16u;
  }
  packed[word] = result;
}
