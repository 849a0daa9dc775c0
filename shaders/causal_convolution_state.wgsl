// Updates the inputs of a causal convolution that the next tokens of a sequence need: past [TAPS − 1, channels] f32
// becomes the last of `past` and of the rows' inputs (lib/causal_convolution.wgsl). Of past, only the last `known` are
// there. With POOL, of each segment: segments[s] = (first row, rows, the past it goes on from, the past it leaves), pasts
// numbered within past [·, TAPS − 1, channels], where all of one are there; NEW has none. A past that several segments go
// on from is left by none.
// One invocation per channel of a segment.
//#include lib/causal_convolution_input.wgsl
alias X = f32;
const WG: u32 = 64;
const NEW: u32 = 0xffffffffu;

struct Params {
  rows: u32,
  channels: u32,
  stride: u32,
  known: u32,
}

@group(0) @binding(0) var<storage, read> raw: array<X>;
@group(0) @binding(1) var<storage, read_write> past: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;
//#if POOL
@group(0) @binding(3) var<storage, read> segments: array<vec4<u32>>;
//#endif

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = group.x * WG + thread;
  if (i >= params.channels) {
    return;
  }
//#if POOL
  let segment = segments[group.y];
  let first = segment.x;
  let rows = segment.y;
  let known = select(TAPS - 1u, 0u, segment.z == NEW);
  let from_row = select(segment.z * (TAPS - 1u), 0u, segment.z == NEW);
  let to_row = segment.w * (TAPS - 1u);
//#else
  let first = 0u;
  let rows = params.rows;
  let known = params.known;
  let from_row = 0u;
  let to_row = 0u;
//#endif
  // In ascending order, so that what is read has not been written yet.
  for (var k = 0u; k < TAPS - 1u; k++) {
    let source = rows + k; // of past, then of the rows
    var value = 0.0;
    if (source >= TAPS - 1u) {
      value = input_at(first + source - (TAPS - 1u), i);
    } else if (source + known >= TAPS - 1u) {
      value = past[(from_row + source) * params.channels + i];
    }
    past[(to_row + k) * params.channels + i] = value;
  }
}
