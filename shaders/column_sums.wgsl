// sums[slice, c] (+)= Σ dy[t, c] over the rows t of a slice; with NORM Σ dy[t, c] · x[t, c] · rstd[t], the gradient of
// an RMSNorm's weight. A slice has `slice_rows` rows, the last may be shorter; a second run sums the partial sums.
// dy f32, rows of `stride` elements, from column `start` on; x [rows, columns] X; rstd [rows] f32; sums [slices,
// columns] f32. A thread sums one column of a slice, row by row.
alias X = f32;
const WG: u32 = 64;

struct Params {
  rows: u32,
  columns: u32,
  stride: u32,
  start: u32,
  slice_rows: u32,
  accumulate: u32, // 1: sums += …, 0: sums = …
}

@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read_write> sums: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;
//#if NORM
@group(0) @binding(3) var<storage, read> x: array<X>;
@group(0) @binding(4) var<storage, read> rstd: array<f32>;
//#endif

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let column = group.x * WG + thread;
  if (column >= params.columns) {
    return;
  }
  let first = group.y * params.slice_rows;
  let end = min(first + params.slice_rows, params.rows);
  var sum = 0.0;
  for (var row = first; row < end; row++) {
    let value = dy[row * params.stride + params.start + column];
//#if NORM
    sum += value * f32(x[row * params.columns + column]) * rstd[row];
//#else
    sum += value;
//#endif
  }
  let at = group.y * params.columns + column;
  if (params.accumulate == 1u) {
    sum += sums[at];
  }
  sums[at] = sum;
}
