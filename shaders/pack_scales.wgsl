// Packs scales and zeros of GPTQ or AWQ files into one word per row and group, for lib/weight.wgsl.
// scales: 16-bit floats, two per word [groups, all_rows]; zeros [groups, all_rows / 8], 4 bits each, AWQ's interleaved;
// packed [rows, groups]: scale in the low half, (zero + ZERO_OFFSET) & 15 in the high half. One invocation per word.
//#include lib/grid.wgsl
const WG: u32 = 256;
const INTERLEAVED: bool = false;
const ZERO_OFFSET: u32 = 0;

struct Params {
  rows: u32,
  all_rows: u32,
  row_start: u32,
  groups: u32,
}

@group(0) @binding(0) var<storage, read> scales: array<u32>;
@group(0) @binding(1) var<storage, read> zeros: array<u32>;
@group(0) @binding(2) var<storage, read_write> packed: array<u32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let i = flat_group(group, groups) * WG + thread;
  if (i >= params.rows * params.groups) {
    return;
  }
  let row = i % params.rows;
  let stored = params.row_start + row;
  let column_group = i / params.rows;
  let at = column_group * params.all_rows + stored;
  let scale = (scales[at >> 1u] >> (16u * (at & 1u))) & 0xffffu;
  let nibble = select(stored % 8u, (stored % 8u) / 2u + 4u * (stored % 2u), INTERLEAVED);
  let zero = (zeros[at / 8u] >> (4u * nibble)) & 15u;
  packed[row * params.groups + column_group] = scale | (((zero + ZERO_OFFSET) & 15u) << 16u);
}
