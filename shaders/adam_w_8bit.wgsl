// One AdamW step (lib/adam_w.wgsl) with m and v in 8 bits, like bitsandbytes' kOptimizerStatic8bit2StateBlockwise
// (csrc/kernels.cu): a block of 256 elements is scaled by its absmax and stored as the nearest values of the dynamic
// maps, signed for m, unsigned for v. A negative m never becomes 0. Weight decay is applied before the step, as in
// torch and in bitsandbytes' Triton kernel; the CUDA kernel applies it after. The step uses m and v before they are
// rounded.
// weights, grads: the flat f32 buffers; blocks [count] u32: index of each 8-bit block there; codes [count, 2, 64] u32:
// m, then v, four per word, the first lowest; absmax [count] of (m, v); maps f32 [512]: signed, unsigned, ascending;
// stats f32, read as bits. One workgroup per block, four elements per thread.
//#include lib/adam_w.wgsl
//#include lib/grid.wgsl
//#include lib/reduce.wgsl
const SMALLEST: f32 = 1.1754943508222875e-38; // a GPU may flush smaller values to 0, and must not divide by them
const SIGNED: u32 = 0;
const UNSIGNED: u32 = 256;
const SIGNED_ZERO: u32 = 127; // the code of 0 in the signed map

@group(0) @binding(1) var<storage, read> grads: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> weights: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> codes: array<u32>;
@group(0) @binding(4) var<storage, read_write> absmax: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read_write> stats: array<u32>;
@group(0) @binding(6) var<storage, read> blocks: array<u32>;
@group(0) @binding(7) var<storage, read> maps: array<f32>;

var<workgroup> local_maps: array<f32, 512>;

// The code whose value is nearest to x; the lower one at a tie.
fn nearest(map: u32, x: f32) -> u32 {
  var lower = 0u;
  var upper = 255u;
  while (upper - lower > 1u) {
    let middle = (lower + upper) / 2u;
    if (x > local_maps[map + middle]) {
      lower = middle;
    } else {
      upper = middle;
    }
  }
  return select(upper, lower, x - local_maps[map + lower] <= local_maps[map + upper] - x);
}

fn largest_of(x: vec4<f32>) -> f32 {
  return max(max(abs(x.x), abs(x.y)), max(abs(x.z), abs(x.w)));
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let block = flat_group(group, groups);
  if (block >= params.count) {
    return;
  }
  for (var i = thread; i < 512u; i += WG) {
    local_maps[i] = maps[i];
  }
  workgroupBarrier();

  // No return for a skipped step: barriers need every thread, and WGSL does not know that stats is uniform.
  let clip = clipping(stats[params.norm_index]);
  let at = blocks[block] * WG + thread;
  let m_word = block * 2u * WG + thread;
  let v_word = m_word + WG;
  let scale = absmax[block];
  let m_codes = codes[m_word];
  let v_codes = codes[v_word];
  let grad = grads[at] * clip.factor;
  let weight = weights[at];
  var m = vec4<f32>(0.0);
  var v = vec4<f32>(0.0);
  var new_weight = vec4<f32>(0.0);
  for (var i = 0u; i < 4u; i++) {
    let m_old = local_maps[SIGNED + ((m_codes >> (8u * i)) & 255u)] * scale.x;
    let v_old = local_maps[UNSIGNED + ((v_codes >> (8u * i)) & 255u)] * scale.y;
    m[i] = next_m(m_old, grad[i]);
    v[i] = next_v(v_old, grad[i]);
    new_weight[i] = next_weight(weight[i], m[i], v[i]);
  }

  var m_max = workgroup_max(largest_of(m), thread);
  var v_max = workgroup_max(largest_of(v), thread);
  var m_scaled = vec4<f32>(0.0);
  var v_scaled = vec4<f32>(0.0);
  if (m_max >= SMALLEST) {
    m_scaled = m / m_max;
  } else {
    m_max = 0.0;
  }
  if (v_max >= SMALLEST) {
    v_scaled = v / v_max;
  } else {
    v_max = 0.0;
  }
  var m_new = 0u;
  var v_new = 0u;
  for (var i = 0u; i < 4u; i++) {
    var m_code = nearest(SIGNED, m_scaled[i]);
    if (m_code == SIGNED_ZERO && m_scaled[i] < 0.0) {
      m_code -= 1u;
    }
    m_new |= m_code << (8u * i);
    v_new |= nearest(UNSIGNED, v_scaled[i]) << (8u * i);
  }

  if (block == 0u && thread == 0u) {
    stats[params.skipped_index] = skipped_bits(clip.skipped);
  }
  if (!clip.skipped) {
    weights[at] = new_weight;
    codes[m_word] = m_new;
    codes[v_word] = v_new;
    if (thread == 0u) {
      absmax[block] = vec2<f32>(m_max, v_max);
    }
  }
}
