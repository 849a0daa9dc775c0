// y of a causal depthwise convolution (lib/causal_convolution.wgsl); y [rows, channels] E. With PAST, the inputs before
// token 0 are those of a sequence so far: past [TAPS − 1, channels] f32, of which the last `known` are there. With POOL,
// each segment has a past of its own, or none: see causal_convolution_state.wgsl; segment_of [rows] u32.
// One invocation per element of y.
//#include lib/elem.wgsl
//#include lib/grid.wgsl
//#include lib/sigmoid.wgsl
//#include lib/causal_convolution.wgsl
alias X = f32;
const WG: u32 = 128;
const NEW: u32 = 0xffffffffu;

struct Params {
  rows: u32,
  channels: u32,
  stride: u32,
  known: u32,
}

@group(0) @binding(0) var<storage, read> raw: array<X>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read> segment_start: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<E>;
@group(0) @binding(4) var<uniform> params: Params;
//#if BIAS
@group(0) @binding(5) var<storage, read> bias: array<f32>;
//#endif
//#if PAST
@group(0) @binding(6) var<storage, read> past: array<f32>;
//#endif
//#if POOL
@group(0) @binding(7) var<storage, read> segments: array<vec4<u32>>;
@group(0) @binding(8) var<storage, read> segment_of: array<u32>;
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
  var c = convolved(t, i, segment_start[t]);
//#if PAST
//#if !POOL
  for (var j = t + 1u; j < min(TAPS, t + 1u + params.known); j++) {
    c += weight[i * TAPS + TAPS - 1u - j] * past[(TAPS - 1u + t - j) * params.channels + i];
  }
//#endif
//#endif
//#if POOL
  let segment = segments[segment_of[t]];
  if (segment.z != NEW) {
    let before = t - segment.x;
    let pool = segment.z * (TAPS - 1u);
    for (var j = before + 1u; j < TAPS; j++) {
      c += weight[i * TAPS + TAPS - 1u - j] * past[(pool + TAPS - 1u + before - j) * params.channels + i];
    }
  }
//#endif
//#if GATED
  y[t * params.channels + i] = to_e(f32(raw[t * params.stride + params.channels + i]) * c);
//#else
  y[t * params.channels + i] = to_e(c * sigmoids(c).x);
//#endif
}
