// Repacks 4-bit codes from files into rows of words for lib/weight.wgsl. One invocation per word of eight codes.
//   FROM bnb   two codes per byte of the flattened matrix, the first in the high nibble; a piece is rows
//   FROM gptq  [cols / 8, all_rows]: words of eight columns already; a piece is stored rows of words
//   FROM awq   [cols, all_rows / 8]: words of eight rows, interleaved; a piece is stored rows, a multiple of eight
// source: words `first` … of every row (gptq, awq), or rows from `first` on (bnb). codes [rows, ⌈cols / 8⌉] u32: rows
// row_start … row_start + rows − 1 of the matrix.
//#include lib/grid.wgsl
const WG: u32 = 256;

struct Params {
  rows: u32,
  cols: u32,
  all_rows: u32,
  row_start: u32,
  first: u32,
  count: u32, // rows of the piece (bnb), or words per row
}

@group(0) @binding(0) var<storage, read> source: array<u32>;
@group(0) @binding(1) var<storage, read_write> codes: array<u32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let i = flat_group(group, groups) * WG + thread;
  let stride = (params.cols + 7u) / 8u;
//#if FROM == bnb
  if (i >= params.count * stride) {
    return;
  }
  let row = i / stride;
  let col = (i % stride) * 8u;
  var packed = 0u;
  for (var j = 0u; j < min(8u, params.cols - col); j++) {
    let element = row * params.cols + col + j;
    let code = (source[element / 8u] >> (4u * ((element % 8u) ^ 1u))) & 15u;
    packed |= code << (4u * j);
  }
  codes[params.first * stride + i] = packed;
//#else
  // Adjacent invocations read adjacent rows.
  if (i >= params.count * params.rows) {
    return;
  }
  let row = i % params.rows;
  let word = i / params.rows;
  let stored = params.row_start + row;
  let target_word = row * stride + params.first + word;
//#if FROM == gptq
  codes[target_word] = source[word * params.all_rows + stored];
//#else
  // Nibble n of a word holds output [0, 2, 4, 6, 1, 3, 5, 7][n].
  let nibble = (stored % 8u) / 2u + 4u * (stored % 2u);
  let col = (params.first + word) * 8u;
  var packed = 0u;
  for (var j = 0u; j < min(8u, params.cols - col); j++) {
    let stored_word = source[(word * 8u + j) * (params.all_rows / 8u) + stored / 8u];
    packed |= ((stored_word >> (4u * nibble)) & 15u) << (4u * j);
  }
  codes[target_word] = packed;
//#endif
//#endif
}
