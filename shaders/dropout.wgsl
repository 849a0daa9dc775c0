// y (+)= x · scale where random_bits(seed, i) ≥ threshold, 0 elsewhere.
// x [count] X, y E [count] or columns of wider rows; threshold = p · 2^32, scale = 1 / (1 − p). One invocation per
// element.
//#include lib/elem.wgsl
//#include lib/grid.wgsl
//#include lib/pcg.wgsl
alias X = f32;
const WG: u32 = 256;

struct Params {
  count: u32,
  seed: u32,
  threshold: u32,
  scale: f32,
  accumulate: u32, // 1: y += …, 0: y = …
  columns: u32, // per row of x, and the row stride of y
  ldy: u32,
}

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read_write> y: array<E>;
@group(0) @binding(2) var<uniform> params: Params;

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
  var value = 0.0;
  if (random_bits(params.seed, i) >= params.threshold) {
    value = f32(x[i]) * params.scale;
  }
  let at = i / params.columns * params.ldy + i % params.columns;
  if (params.accumulate == 1u) {
    value += f32(y[at]);
  }
  y[at] = to_e(value);
}
