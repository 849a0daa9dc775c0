// Double quantization as in bitsandbytes: the absmax of blocks, minus their mean, as 8-bit codes of a sorted map, in
// blocks of 256 with a second-level absmax. One workgroup per nested block, one invocation per absmax.
// absmax [blocks] f32; sums[0] their sum; codes u32, four per word, [⌈blocks / 4⌉ rounded up to 64 words]; nested f32:
// [0] ← the mean, [1 … 256] the map, [257 + j] ← the absmax of nested block j.
//#include lib/divide.wgsl
//#include lib/grid.wgsl
const WG: u32 = 256;

struct Params {
  blocks: u32,
}

@group(0) @binding(0) var<storage, read> absmax: array<f32>;
@group(0) @binding(1) var<storage, read> sums: array<f32>;
@group(0) @binding(2) var<storage, read_write> codes: array<u32>;
@group(0) @binding(3) var<storage, read_write> nested: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

var<workgroup> magnitudes: array<f32, WG>;
var<workgroup> bytes: array<u32, WG>;

// The code whose value is nearest to x; the lower one at a tie.
fn nearest(x: f32) -> u32 {
  var low = 0u;
  var high = 255u;
  while (low < high) {
    let middle = (low + high) / 2u;
    if (x > (nested[1u + middle] + nested[2u + middle]) * 0.5) {
      low = middle + 1u;
    } else {
      high = middle;
    }
  }
  return low;
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let nested_block = flat_group(group, groups);
  let i = nested_block * WG + thread;
  if (nested_block * WG >= params.blocks) {
    return;
  }
  let mean = divide(sums[0], f32(params.blocks));
  var x = 0.0;
  if (i < params.blocks) {
    x = absmax[i] - mean;
  }
  magnitudes[thread] = abs(x);
  workgroupBarrier();
  for (var half = WG / 2u; half > 0u; half /= 2u) {
    if (thread < half) {
      magnitudes[thread] = max(magnitudes[thread], magnitudes[thread + half]);
    }
    workgroupBarrier();
  }
  let largest = magnitudes[0];
  var scaled = 0.0;
  if (largest >= 1.1754943508222875e-38) {
    // As in bitsandbytes: an incomplete block is divided, a complete one multiplied by the reciprocal.
    if ((nested_block + 1u) * WG > params.blocks) {
      scaled = divide(x, largest);
    } else {
      scaled = x * divide(1.0, largest);
    }
  }
  bytes[thread] = nearest(scaled);
  workgroupBarrier();
  if (thread % 4u == 0u) {
    codes[i / 4u] =
      bytes[thread] | (bytes[thread + 1u] << 8u) | (bytes[thread + 2u] << 16u) | (bytes[thread + 3u] << 24u);
  }
  if (thread == 0u) {
    nested[257u + nested_block] = largest;
    if (nested_block == 0u) {
      nested[0] = mean;
    }
  }
}
