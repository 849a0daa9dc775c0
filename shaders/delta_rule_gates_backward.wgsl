// The gradient of delta_rule_gates.wgsl. With x̂ = x · r, and dx̂ summed over the value heads that share a key head,
// dx = r (dx̂ − x̂ (x̂ · dx̂)), into the columns of q and k of d_qkv, f32 in the layout of qkv; db = dβ β (1 − β) and
// da = dg · dg/da into d_projected, f32 in the layout of projected. With TRAINED also each token's gradients of decay and
// step_bias, d_small [T, 2, value heads] f32. qkv holds q and k normalized; d_keys dq, and from `of_k` on dk, [T, value
// heads, DK] f32. One workgroup per token.
//#include lib/grid.wgsl
//#include lib/head_sums.wgsl
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
  of_k: u32,
}

@group(0) @binding(0) var<storage, read> qkv: array<f32>;
@group(0) @binding(1) var<storage, read> norms: array<f32>;
@group(0) @binding(2) var<storage, read> gates: array<f32>;
@group(0) @binding(3) var<storage, read> d_keys: array<f32>;
@group(0) @binding(4) var<storage, read_write> d_qkv: array<f32>;
@group(0) @binding(5) var<storage, read_write> d_projected: array<f32>;
@group(0) @binding(6) var<uniform> params: Params;
//#if TRAINED
@group(0) @binding(7) var<storage, read_write> d_small: array<f32>;
//#endif

// The gradient of a head's normalized column.
fn gradient_of(t: u32, head: u32, d: u32) -> f32 {
  let key_heads = HEADS / 2u;
  let group = params.value_heads / key_heads;
  let of_key = head >= key_heads;
  let first = t * params.value_heads + (head % key_heads) * group;
  let part = select(0u, params.of_k, of_key);
  var sum = 0.0;
  for (var i = 0u; i < group; i++) {
    sum += d_keys[part + (first + i) * DK + d];
  }
  return sum * scale_of(head);
}

// What the normalized head was multiplied by.
fn scale_of(head: u32) -> f32 {
  return select(1.0, inverseSqrt(f32(DK)), 2u * head < HEADS);
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
  let start = t * (HEADS * DK + params.value_heads * DV);
  for (var job = thread; job < HEADS * LANES; job += WG) {
    let head = job / LANES;
    var sum = 0.0;
    for (var d = job % LANES; d < DK; d += LANES) {
      sum += qkv[start + head * DK + d] / scale_of(head) * gradient_of(t, head, d);
    }
    sums[job] = sum;
  }
  workgroupBarrier();
  for (var head = thread; head < HEADS; head += WG) {
    sums[head * LANES] = head_sum(head);
  }
  workgroupBarrier();
  for (var at = thread; at < HEADS * DK; at += WG) {
    let head = at / DK;
    let x = qkv[start + at] / scale_of(head);
    d_qkv[start + at] = norms[t * HEADS + head] * (gradient_of(t, head, at % DK) - x * sums[head * LANES]);
  }
  for (var head = thread; head < params.value_heads; head += WG) {
    let at = 5u * t * params.value_heads + head;
    let row = t * params.stride + head;
    let beta = gates[at];
    let d_decay = gates[at + 4u * params.value_heads];
    let da = d_decay * gates[at + 2u * params.value_heads];
    d_projected[row + params.of_b] = gates[at + 3u * params.value_heads] * beta * (1.0 - beta);
    d_projected[row + params.of_a] = da;
//#if TRAINED
    d_small[2u * t * params.value_heads + head] = d_decay * gates[at + params.value_heads];
    d_small[(2u * t + 1u) * params.value_heads + head] = da;
//#endif
  }
}
