// The gradient of dora_output, with the norms taken as constants: dz[t, n] = factors[n] · dy[t, n], and z becomes the
// terms of the magnitudes' gradient, dy[t, n] · z[t, n] / norms[n], whose sums over t it is.
// dy, z, dz [count] = [rows, columns] f32; factors, norms [columns] f32. One invocation per element.
//#include lib/grid.wgsl
const WG: u32 = 256;

struct Params {
  count: u32,
  columns: u32,
}

@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read> factors: array<f32>;
@group(0) @binding(2) var<storage, read> norms: array<f32>;
@group(0) @binding(3) var<storage, read_write> z: array<f32>;
@group(0) @binding(4) var<storage, read_write> dz: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

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
  let gradient = dy[i];
  z[i] = gradient * z[i] / norms[column];
  dz[i] = factors[column] * gradient;
}
