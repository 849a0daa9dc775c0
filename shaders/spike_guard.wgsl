// stats[guarded_index] = stats[norm_index], or infinity if it or stats[loss_index] exceeds its limit or is not finite:
// then AdamW skips its step. One invocation.
// stats f32, handled as bits where WGSL may assume finite values.
//#include lib/finite.wgsl

struct Params {
  loss_index: u32,
  norm_index: u32,
  guarded_index: u32,
  loss_limit: f32,
  norm_limit: f32,
}

@group(0) @binding(0) var<storage, read_write> stats: array<u32>;
@group(0) @binding(1) var<uniform> params: Params;

fn within(bits: u32, limit: f32) -> bool {
  if (!is_finite(bits)) {
    return false;
  }
  return bitcast<f32>(bits) <= limit;
}

@compute @workgroup_size(1)
fn main() {
  let norm = stats[params.norm_index];
  let fine = within(norm, params.norm_limit) && within(stats[params.loss_index], params.loss_limit);
  stats[params.guarded_index] = select(INFINITY_BITS, norm, fine);
}
