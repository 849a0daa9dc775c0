// Updates the inputs of a causal convolution that the next tokens of a sequence need: past [TAPS − 1, channels] f32
// becomes the last of `past` and of the rows' inputs (lib/causal_convolution.wgsl). Of past, only the last `known` are
// there. One invocation per channel.
//#include lib/causal_convolution_input.wgsl
alias X = f32;
const WG: u32 = 64;

struct Params {
  rows: u32,
  channels: u32,
  stride: u32,
  known: u32,
}

@group(0) @binding(0) var<storage, read> raw: array<X>;
@group(0) @binding(1) var<storage, read_write> past: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = group.x * WG + thread;
  if (i >= params.channels) {
    return;
  }
  // In ascending order, so that what is read has not been written yet.
  for (var k = 0u; k < TAPS - 1u; k++) {
    let source = params.rows + k; // of past, then of the rows
    var value = 0.0;
    if (source >= TAPS - 1u) {
      value = input_at(source - (TAPS - 1u), i);
    } else if (source + params.known >= TAPS - 1u) {
      value = past[source * params.channels + i];
    }
    past[k * params.channels + i] = value;
  }
}
