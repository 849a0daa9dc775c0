// Per-query inputs of the other two backward kernels: delta[t,h,:] = (lse[t,h], Σ_d dO[t,h,d] · o[t,h,d]). Both are in
// one buffer because dK and dV then need eight buffers, the most that a stage may bind.
// d_o [T·H, D] f32, o [T·H, D] E, lse [T·H] f32, delta [T·H, 2] f32. LANES threads per row.
//#include lib/grid.wgsl
alias E = f32;
const D4: u32 = 4;
const ROWS: u32 = 8;
const LANES: u32 = 8;

struct Params {
  rows: u32, // T · H
}

@group(0) @binding(0) var<storage, read> d_o: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> o: array<vec4<E>>;
@group(0) @binding(2) var<storage, read> lse: array<f32>;
@group(0) @binding(3) var<storage, read_write> delta: array<vec2<f32>>;
@group(0) @binding(4) var<uniform> params: Params;

var<workgroup> partial: array<f32, ROWS * LANES>;

@compute @workgroup_size(ROWS * LANES)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = flat_group(group, groups) * ROWS + thread / LANES;
  let lane = thread % LANES;
  var sum = 0.0;
  if (row < params.rows) {
    for (var column = lane; column < D4; column += LANES) {
      sum += dot(d_o[row * D4 + column], vec4<f32>(o[row * D4 + column]));
    }
  }
  partial[thread] = sum;
  workgroupBarrier();
  if (lane == 0u && row < params.rows) {
    for (var l = 1u; l < LANES; l++) {
      sum += partial[thread + l];
    }
    delta[row] = vec2<f32>(lse[row], sum);
  }
}
