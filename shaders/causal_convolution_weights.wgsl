// The gradients of a causal convolution's weight and bias, summed over the tokens of a slice:
//   d_weight[i, TAPS − 1 − j] = Σ dc[t, i] · u[t − j, i],  d_bias[i] = Σ dc[t, i]
// with c and u as in lib/causal_convolution.wgsl. A slice has `slice_rows` rows, the last may be shorter.
// sums [slices, channels · (TAPS + 1)] f32: d_weight, then d_bias. One invocation per channel of a slice.
//#include lib/sigmoid.wgsl
//#include lib/causal_convolution.wgsl
//#include lib/causal_convolution_gradient.wgsl
alias X = f32;
const WG: u32 = 64;

struct Params {
  rows: u32,
  channels: u32,
  stride: u32,
  slice_rows: u32,
}

@group(0) @binding(0) var<storage, read> raw: array<X>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read> segment_start: array<u32>;
@group(0) @binding(3) var<storage, read> dy: array<f32>;
@group(0) @binding(4) var<storage, read_write> sums: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;
//#if BIAS
@group(0) @binding(6) var<storage, read> bias: array<f32>;
//#endif

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = group.x * WG + thread;
  if (i >= params.channels) {
    return;
  }
  let first = group.y * params.slice_rows;
  let end = min(first + params.slice_rows, params.rows);
  var of_bias = 0.0;
//#for J TAPS
  var sum_J = 0.0;
//#end
  for (var t = first; t < end; t++) {
    let start = segment_start[t];
    let dc = convolved_gradient(t, i, start);
    of_bias += dc;
//#for J TAPS
    if (t >= start + J) {
      sum_J += dc * input_at(t - J, i);
    }
//#end
  }
  let row = group.y * params.channels * (TAPS + 1u);
//#for J TAPS
  sums[row + i * TAPS + TAPS - 1u - J] = sum_J;
//#end
  sums[row + params.channels * TAPS + i] = of_bias;
}
