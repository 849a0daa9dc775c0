// The gradient of gated_rms_norm.wgsl (lib/gated_rms_norm.wgsl): with n = x · rstd and g = dy · weight · silu(z),
//   dx = rstd (g − n · mean(g · n)),  dz = dy · weight · n · silu′(z)
// dx in the layout of x; dz in that of z, in d_projected f32. With TRAINED also each token's gradient of the weight,
// d_weight [T, D] f32. dy [T, HEADS, D] f32. One workgroup per token.
//#include lib/elem.wgsl
//#include lib/gated_rms_norm.wgsl
// Of squares of x, and of g · x.
alias Sum = vec2<f32>;
const WG: u32 = 128;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> projected: array<E>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> dy: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;
@group(0) @binding(5) var<storage, read_write> d_projected: array<f32>;
@group(0) @binding(6) var<uniform> params: Params;
//#if TRAINED
@group(0) @binding(7) var<storage, read_write> d_weight: array<f32>;
//#endif

// silu(z) and its slope.
fn gate_of(t: u32, at: u32) -> vec2<f32> {
  let z = f32(projected[t * params.stride + params.of_z + at]);
  let s = sigmoids(z);
  return vec2<f32>(z * s.x, s.x * (1.0 + z * s.y));
}

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
    var sum = vec2<f32>(0.0);
    for (var d = job % LANES; d < D; d += LANES) {
      let at = job / LANES * D + d;
      let value = x[start + at];
      sum += value * vec2<f32>(value, dy[start + at] * weight[d] * gate_of(t, at).x);
    }
    sums[job] = sum;
  }
  workgroupBarrier();
  for (var head = thread; head < HEADS; head += WG) {
    let sum = head_sum(head) / f32(D);
    let rstd = inverseSqrt(sum.x + params.eps);
    sums[head * LANES] = vec2<f32>(rstd, rstd * sum.y);
  }
  workgroupBarrier();
  for (var at = thread; at < HEADS * D; at += WG) {
    let factors = sums[at / D * LANES];
    let gate = gate_of(t, at);
    let n = x[start + at] * factors.x;
    let d = dy[start + at] * weight[at % D];
    dx[start + at] = factors.x * (d * gate.x - n * factors.y);
    d_projected[t * params.stride + params.of_z + at] = d * n * gate.y;
  }
//#if TRAINED
  for (var d = thread; d < D; d += WG) {
    var sum = 0.0;
    for (var head = 0u; head < HEADS; head++) {
      let at = head * D + d;
      sum += dy[start + at] * gate_of(t, at).x * x[start + at] * sums[head * LANES].x;
    }
    d_weight[t * D + d] = sum;
  }
//#endif
}
