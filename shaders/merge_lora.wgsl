// merged = round(w + scale · b · a), with DORA round(factors · (w + scale · b · a)), rounded once to the format OUT. A word holds two elements of bf16 or f16, and with
// odd `cols` the end of one row and the start of the next; one invocation per word of merged.
// w [rows, cols] as words in format W, merged in format OUT; a [rank, cols] f32; b [rows, rank] f32.
//#include lib/grid.wgsl
//#include lib/round.wgsl
const WG: u32 = 256;

struct Params {
  rows: u32,
  cols: u32,
  rank: u32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> w: array<u32>;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> merged: array<u32>;
@group(0) @binding(4) var<uniform> params: Params;
//#if DORA
@group(0) @binding(5) var<storage, read> factors: array<f32>; // [rows]
//#endif

// Bits of element i of w.
fn element_of(i: u32) -> u32 {
//#if W == f32
  return w[i];
//#else
  return (w[i >> 1u] >> (16u * (i & 1u))) & 0xffffu;
//#endif
}

fn merge(i: u32) -> u32 {
  let row = i / params.cols;
  let col = i % params.cols;
  var sum = 0.0;
  for (var k = 0u; k < params.rank; k++) {
    sum += b[row * params.rank + k] * a[k * params.cols + col];
  }
  let delta = params.scale * sum;
  let element = element_of(i);
  let bits = widen_w(element);
//#if DORA
  return round_to_out(bitcast<u32>(factors[row] * (bitcast<f32>(bits) + delta)));
//#else
  // Without an update the bits are preserved: a sum would turn −0 into 0 and may flush subnormals. So are NaN and
  // infinity.
  if (delta == 0.0 || (bits & 0x7f800000u) == 0x7f800000u) {
//#if SAME
    return element;
//#else
    return round_to_out(bits);
//#endif
  }
  return round_to_out(bitcast<u32>(bitcast<f32>(bits) + delta));
//#endif
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let word = flat_group(group, groups) * WG + thread;
  let count = params.rows * params.cols;
//#if OUT == f32
  if (word >= count) {
    return;
  }
  merged[word] = merge(word);
//#else
  let first = word * 2u;
  if (first >= count) {
    return;
  }
  var result = merge(first);
  if (first + 1u < count) {
    result |= merge(first + 1u) << 16u;
  }
  merged[word] = result;
//#endif
}
