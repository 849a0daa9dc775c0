// absmax[first_block + b] = max |source[i]| over block b of the flattened piece. One invocation per block.
// source: `count` elements (lib/source.wgsl) that start at a block; absmax f32.
//#include lib/grid.wgsl
//#include lib/source.wgsl
const WG: u32 = 64;
const BLOCK: u32 = 64;

struct Params {
  count: u32,
  first_block: u32,
}

@group(0) @binding(0) var<storage, read_write> absmax: array<f32>;
@group(0) @binding(1) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let block = flat_group(group, groups) * WG + thread;
  let start = block * BLOCK;
  if (start >= params.count) {
    return;
  }
  var largest = 0.0;
  for (var i = start; i < min(start + BLOCK, params.count); i++) {
    largest = max(largest, abs(load_source(i)));
  }
  absmax[params.first_block + block] = largest;
}
