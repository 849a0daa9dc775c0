// One AdamW step (lib/adam_w.wgsl) with f32 state. A skipped step changes only stats[skipped_index].
// weights, grads, m, v [count] f32; stats f32, read as bits. One invocation per element. With BLOCKS, m and v hold some
// blocks of 256 elements of the flat buffers: blocks[i] is the index of block i there.
//#include lib/adam_w.wgsl
//#include lib/grid.wgsl
const WG: u32 = 256;

@group(0) @binding(1) var<storage, read> grads: array<f32>;
@group(0) @binding(2) var<storage, read_write> weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> m: array<f32>;
@group(0) @binding(4) var<storage, read_write> v: array<f32>;
@group(0) @binding(5) var<storage, read_write> stats: array<u32>;
//#if BLOCKS
@group(0) @binding(6) var<storage, read> blocks: array<u32>;
//#endif

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let i = flat_group(group, groups) * WG + thread;
  let clip = clipping(stats[params.norm_index]);
  if (i == 0u) {
    stats[params.skipped_index] = skipped_bits(clip.skipped);
  }
  if (clip.skipped || i >= params.count) {
    return;
  }
  var at = i;
  //#if BLOCKS
  at = blocks[i / 256u] * 256u + i % 256u;
  //#endif
  let grad = grads[at] * clip.factor;
  m[i] = next_m(m[i], grad);
  v[i] = next_v(v[i], grad);
  weights[at] = next_weight(weights[at], m[i], v[i]);
}
