// The gradients of h = weight · act(gate) · up (glu.wgsl with WEIGHED), in place as in glu_backward.wgsl, and of the
// weights: d_weights[pairs[row]] = Σ dh · act(gate) · up. One workgroup per row.
//#include lib/grid.wgsl
//#include lib/activation.wgsl
//#include lib/reduce.wgsl
alias E = f32;

struct Params {
  rows: u32,
  width: u32,
}

//#if E == f32
@group(0) @binding(0) var<storage, read_write> gate_up: array<f32>;
@group(0) @binding(1) var<storage, read> d: array<f32>;
//#else
@group(0) @binding(0) var<storage, read> gate_up: array<E>;
@group(0) @binding(1) var<storage, read_write> d: array<f32>;
//#endif
@group(0) @binding(2) var<uniform> params: Params;
@group(0) @binding(3) var<storage, read> weights: array<f32>;
@group(0) @binding(4) var<storage, read> pairs: array<u32>;
@group(0) @binding(5) var<storage, read_write> d_weights: array<f32>;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = flat_group(group, groups);
  if (row >= params.rows) {
    return;
  }
  let weight = weights[pairs[row]];
  var sum = 0.0;
  for (var column = thread; column < params.width; column += WG) {
    let gate = row * 2u * params.width + column;
    let up = gate + params.width;
    let a = activation(f32(gate_up[gate]));
    let value = f32(gate_up[up]);
//#if E == f32
    let dh = d[row * params.width + column];
    gate_up[gate] = weight * dh * value * a.y;
    gate_up[up] = weight * dh * a.x;
//#else
    let dh = d[gate];
    d[gate] = weight * dh * value * a.y;
    d[up] = weight * dh * a.x;
//#endif
    sum += dh * a.x * value;
  }
  let total = workgroup_sum(sum, thread);
  if (thread == 0u) {
    d_weights[pairs[row]] = total;
  }
}
