// y[r] = the column of the largest x[r, ·], of equal ones the first. x [rows, columns] f32, y [rows] u32. One workgroup
// per row.
//#include lib/grid.wgsl
const WG: u32 = 256; // a power of two

struct Params {
  rows: u32,
  columns: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<uniform> params: Params;

var<workgroup> values: array<f32, WG>;
var<workgroup> columns: array<u32, WG>;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = flat_group(group, groups);
  if (row >= params.rows) {
    return;
  }
  let start = row * params.columns;
  var best = min(thread, params.columns - 1u);
  var largest = x[start + best];
  for (var i = thread + WG; i < params.columns; i += WG) {
    let value = x[start + i];
    if (value > largest) {
      largest = value;
      best = i;
    }
  }
  values[thread] = largest;
  columns[thread] = best;
  workgroupBarrier();
  for (var half = WG / 2u; half > 0u; half /= 2u) {
    if (thread < half) {
      let value = values[thread + half];
      let column = columns[thread + half];
      if (value > values[thread] || (value == values[thread] && column < columns[thread])) {
        values[thread] = value;
        columns[thread] = column;
      }
    }
    workgroupBarrier();
  }
  if (thread == 0u) {
    y[row] = columns[0];
  }
}
