// NF4 codes of a piece of a float matrix, with the bits of bitsandbytes: x · (1 / absmax) in f32 is compared with the
// midpoints of the codebook, a tie going to the lower code; in an incomplete last block x / absmax. A block whose
// absmax is below the smallest normal f32 counts as zero. One invocation per word of eight codes:
//   FLAT     the flattened matrix, two codes per byte, the first in the high nibble: bitsandbytes' files
//   not FLAT each row starts a word, the first code in the lowest bits: lib/weight.wgsl
// source: rows from row0 on, which start a block (and with FLAT a word); absmax f32 of the whole matrix; codes u32.
//#include lib/divide.wgsl
//#include lib/grid.wgsl
//#include lib/nf4.wgsl
//#include lib/source.wgsl
const WG: u32 = 64;
const BLOCK: u32 = 64;
const FLAT: bool = false;

struct Params {
  rows: u32, // of the piece
  cols: u32,
  first_block: u32,
  first_word: u32,
  whole_blocks: u32, // complete blocks of the matrix
}

@group(0) @binding(0) var<storage, read> absmax: array<f32>;
@group(0) @binding(1) var<storage, read_write> codes: array<u32>;
@group(0) @binding(2) var<uniform> params: Params;

fn nf4_code(x: f32) -> u32 {
  var code = 0u;
  for (var i = 0u; i < 15u; i++) {
    code += u32(x > (NF4[i] + NF4[i + 1u]) * 0.5);
  }
  return code;
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let word = flat_group(group, groups) * WG + thread;
  let count = params.rows * params.cols;
  let stride = (params.cols + 7u) / 8u;
  let words = select(params.rows * stride, (count + 7u) / 8u, FLAT);
  if (word >= words) {
    return;
  }
  let start = select((word / stride) * params.cols + (word % stride) * 8u, word * 8u, FLAT);
  let end = select((word / stride + 1u) * params.cols, count, FLAT);
  var packed = 0u;
  var block = 0xffffffffu;
  var largest = 0.0;
  var reciprocal = 0.0;
  for (var j = 0u; j < 8u; j++) {
    let i = start + j;
    if (i >= end) {
      break;
    }
    if (i / BLOCK != block) {
      block = i / BLOCK;
      largest = absmax[params.first_block + block];
      reciprocal = 0.0;
      if (largest >= 1.1754943508222875e-38) {
        reciprocal = divide(1.0, largest);
      }
    }
    var x = load_source(i) * reciprocal;
    if (reciprocal > 0.0 && params.first_block + block >= params.whole_blocks) {
      x = divide(load_source(i), largest);
    }
    packed |= nf4_code(x) << (4u * select(j, j ^ 1u, FLAT));
  }
  codes[params.first_word + word] = packed;
}
