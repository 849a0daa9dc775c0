// The gradient of causal_convolution.wgsl for raw, with dc the gradient of c:
//   du[t, i] = Σ_j weight[i, TAPS − 1 − j] · dc[t + j, i]   where t + j is still in the segment
// with GATED dc = dy · C, and dB = du · x, dC = dy · c, dx = du · B; else dc = dy · silu′(c).
// dy [rows, channels] f32; d_raw f32 in the layout of raw, of which it writes its own columns; segment_end [rows] u32.
// One invocation per element of dy.
//#include lib/grid.wgsl
//#include lib/sigmoid.wgsl
//#include lib/causal_convolution.wgsl
//#include lib/causal_convolution_gradient.wgsl
alias X = f32;
const WG: u32 = 128;

struct Params {
  rows: u32,
  channels: u32,
  stride: u32,
}

@group(0) @binding(0) var<storage, read> raw: array<X>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read> segment_start: array<u32>;
@group(0) @binding(3) var<storage, read> segment_end: array<u32>;
@group(0) @binding(4) var<storage, read> dy: array<f32>;
@group(0) @binding(5) var<storage, read_write> d_raw: array<f32>;
@group(0) @binding(6) var<uniform> params: Params;
//#if BIAS
@group(0) @binding(7) var<storage, read> bias: array<f32>;
//#endif

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let t = row_group(group, groups);
  let i = group.x * WG + thread;
  if (t >= params.rows || i >= params.channels) {
    return;
  }
  let start = segment_start[t];
  let end = segment_end[t];
  var du = 0.0;
//#for J TAPS
  if (t + J < end) {
    du += weight[i * TAPS + TAPS - 1u - J] * convolved_gradient(t + J, i, start);
  }
//#end
  let at = t * params.stride + i;
//#if GATED
  let x = at + 2u * params.channels;
  d_raw[at + params.channels] = dy[t * params.channels + i] * convolved(t, i, start);
  d_raw[x] = du * f32(raw[at]);
  d_raw[at] = du * f32(raw[x]);
//#else
  d_raw[at] = du;
//#endif
}
