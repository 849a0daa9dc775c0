// Rotary position embedding in place, half-split (rotate_half): for i < D/2, with angle = positions[t] · f[i],
//   x[t,h,i], x[t,h,i+D/2] = x_i cos − x_{i+D/2} sin,  x_{i+D/2} cos + x_i sin.   INVERSE turns the other way.
// x [rows, heads, 2·half] E, positions [rows] u32, inverse_frequencies [half] f32. A thread owns (t, i), all heads.
//#include lib/elem.wgsl
//#include lib/grid.wgsl
//#include lib/angle.wgsl
const WG: u32 = 64;
const INVERSE: bool = false;

struct Params {
  rows: u32,
  heads: u32,
  half: u32,
}

@group(0) @binding(0) var<storage, read> positions: array<u32>;
@group(0) @binding(1) var<storage, read> inverse_frequencies: array<f32>;
@group(0) @binding(2) var<storage, read_write> x: array<E>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let at = flat_group(group, groups) * WG + thread;
  let row = at / params.half;
  if (row >= params.rows) {
    return;
  }
  let i = at % params.half;
  var turn = cos_sin(positions[row], inverse_frequencies[i]);
  if (INVERSE) {
    turn.y = -turn.y;
  }
  for (var head = 0u; head < params.heads; head++) {
    let first = (row * params.heads + head) * 2u * params.half + i;
    let second = first + params.half;
    let a = f32(x[first]);
    let b = f32(x[second]);
    x[first] = to_e(a * turn.x - b * turn.y);
    x[second] = to_e(b * turn.x + a * turn.y);
  }
}
