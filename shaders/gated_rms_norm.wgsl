// y = x · rstd · weight · silu(z) for each head, with rstd = 1 / sqrt(mean(x²) + eps); lib/gated_rms_norm.wgsl. y [T,
// heads, D] E. One workgroup per token.
//#include lib/elem.wgsl
//#include lib/gated_rms_norm.wgsl
alias Sum = f32;
const WG: u32 = 128;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> projected: array<E>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<E>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let t = flat_group(group, groups);
  if (t >= params.rows) {
    return;
  }
  let start = t * HEADS * D;
  for (var job = thread; job < HEADS * LANES; job += WG) {
    var squares = 0.0;
    for (var d = job % LANES; d < D; d += LANES) {
      let value = x[start + job / LANES * D + d];
      squares += value * value;
    }
    sums[job] = squares;
  }
  workgroupBarrier();
  for (var head = thread; head < HEADS; head += WG) {
    sums[head * LANES] = inverseSqrt(head_sum(head) / f32(D) + params.eps);
  }
  workgroupBarrier();
  for (var at = thread; at < HEADS * D; at += WG) {
    let z = f32(projected[t * params.stride + params.of_z + at]);
    let normed = x[start + at] * sums[at / D * LANES];
    y[start + at] = to_e(normed * weight[at % D] * (z * sigmoids(z).x));
  }
}
