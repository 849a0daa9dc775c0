// What the gated delta rule takes of each token (lib/delta_rule.wgsl): q and k normalized in place, x · r with
// r = 1 / sqrt(Σ x² + 1e-6), q also divided by √DK; norms [T, 2 key heads] f32 keeps r; and per value head
//   β = sigmoid(b),  g = −exp(decay) softplus(a + step_bias)
// projected E, rows of `stride` elements, holds b from `of_b` on and a from `of_a` on; gates [T, 5, value heads] f32 gets
// β, g and dg/da. One workgroup per token.
//#include lib/grid.wgsl
//#include lib/head_sums.wgsl
//#include lib/sigmoid.wgsl
//#include lib/softplus.wgsl
alias E = f32;
alias Sum = f32;
const WG: u32 = 128;
const DK: u32 = 8;
const DV: u32 = 8;
const HEADS: u32 = 2; // 2 key heads
const LANES: u32 = 8; // threads that reduce over a head

struct Params {
  rows: u32,
  value_heads: u32,
  stride: u32,
  of_b: u32,
  of_a: u32,
}

@group(0) @binding(0) var<storage, read_write> qkv: array<f32>;
@group(0) @binding(1) var<storage, read> projected: array<E>;
@group(0) @binding(2) var<storage, read> decay: array<f32>;
@group(0) @binding(3) var<storage, read> step_bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> norms: array<f32>;
@group(0) @binding(5) var<storage, read_write> gates: array<f32>;
@group(0) @binding(6) var<uniform> params: Params;

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
  let start = t * (HEADS * DK + params.value_heads * DV);
  for (var job = thread; job < HEADS * LANES; job += WG) {
    var squares = 0.0;
    for (var d = job % LANES; d < DK; d += LANES) {
      let value = qkv[start + job / LANES * DK + d];
      squares += value * value;
    }
    sums[job] = squares;
  }
  workgroupBarrier();
  for (var head = thread; head < HEADS; head += WG) {
    let r = inverseSqrt(head_sum(head) + 1e-6);
    norms[t * HEADS + head] = r;
    sums[head * LANES] = r;
  }
  workgroupBarrier();
  for (var at = thread; at < HEADS * DK; at += WG) {
    let head = at / DK;
    qkv[start + at] *= sums[head * LANES] * select(1.0, inverseSqrt(f32(DK)), 2u * head < HEADS);
  }
  for (var head = thread; head < params.value_heads; head += WG) {
    let row = t * params.stride + head;
    let at = 5u * t * params.value_heads + head;
    gates[at] = sigmoids(f32(projected[row + params.of_b])).x;
    let a = f32(projected[row + params.of_a]) + step_bias[head];
    let rate = -exp_of(decay[head]);
    gates[at + params.value_heads] = rate * softplus(a);
    gates[at + 2u * params.value_heads] = rate * sigmoids(a).x;
  }
}
