// Quantizes a piece of a float matrix (lib/source.wgsl) to 8-bit codes in blocks of BLOCK columns (lib/weight_int8.wgsl):
// scale = absmax / 127, code = x / scale to nearest even. A thread has four columns, a block BLOCK / 4 threads.
//#include lib/grid.wgsl
//#include lib/source.wgsl
const WG: u32 = 256;
const BLOCK: u32 = 64;
const LANES = BLOCK / 4u;

struct Params {
  rows: u32,
  cols: u32,
  out_row: u32, // where the piece begins in codes and scales
}

@group(0) @binding(0) var<storage, read_write> codes: array<u32>;
@group(0) @binding(1) var<storage, read_write> scales: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

var<workgroup> largest: array<f32, WG>;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let blocks = (params.cols + BLOCK - 1u) / BLOCK;
  let block = (flat_group(group, groups) * WG + thread) / LANES;
  let row = block / blocks;
  let col = block % blocks * BLOCK + thread % LANES * 4u;
  // Past the end of a row or of the piece a number is read again, and counts as zero.
  let at = min(row, params.rows - 1u) * params.cols;
  let here = vec4<u32>(col) + vec4<u32>(0u, 1u, 2u, 3u);
  let inside = here < vec4<u32>(select(0u, params.cols, row < params.rows));
  let place = vec4<u32>(at) + min(here, vec4<u32>(params.cols - 1u));
  let four = select(
    vec4<f32>(0.0),
    vec4<f32>(load_source(place.x), load_source(place.y), load_source(place.z), load_source(place.w)),
    inside,
  );
  let size = abs(four);
  largest[thread] = max(max(size.x, size.y), max(size.z, size.w));
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (thread % LANES < half) {
      largest[thread] = max(largest[thread], largest[thread + half]);
    }
    workgroupBarrier();
  }
  if (row >= params.rows || col >= params.cols) {
    return;
  }
  // A product, which every device rounds alike.
  let scale = largest[thread / LANES * LANES] * 0.007874015748031496;
  // A block that is all but zero has no inverse.
  let inverse = select(0.0, 1.0 / scale, scale > 1e-37);
  let rounded = clamp(vec4<i32>(round(four * inverse)), vec4<i32>(-127), vec4<i32>(127));
  let bytes = (bitcast<vec4<u32>>(rounded) & vec4<u32>(255u)) << vec4<u32>(0u, 8u, 16u, 24u);
  codes[(params.out_row + row) * ((params.cols + 3u) / 4u) + col / 4u] = bytes.x | bytes.y | bytes.z | bytes.w;
  if (thread % LANES == 0u) {
    scales[(params.out_row + row) * blocks + col / BLOCK] = scale;
  }
}
