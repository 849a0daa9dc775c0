// y[t, n] (+)= factors[n] · z[t, n] (+ bias[n]): the output of linear layers with DoRA.
// z [rows, columns] f32, factors and bias [columns] f32, y [rows, columns] E. One invocation per element.
//#include lib/elem.wgsl
//#include lib/grid.wgsl
const WG: u32 = 256;

struct Params {
  count: u32,
  columns: u32,
  accumulate: u32, // 1: y += …, 0: y = …
}

@group(0) @binding(0) var<storage, read> z: array<f32>;
@group(0) @binding(1) var<storage, read> factors: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<E>;
@group(0) @binding(3) var<uniform> params: Params;
//#if BIAS
@group(0) @binding(4) var<storage, read> bias: array<f32>;
//#endif

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let i = flat_group(group, groups) * WG + thread;
  if (i >= params.count) {
    return;
  }
  let column = i % params.columns;
  var value = factors[column] * z[i];
//#if BIAS
  value += bias[column];
//#endif
  if (params.accumulate == 1u) {
    value += f32(y[i]);
  }
  y[i] = to_e(value);
}
