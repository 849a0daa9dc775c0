// Multiply-adds in registers only: measures peak arithmetic throughput. A thread runs CHAINS independent chains of x =
// x · factor + term; their sum is written, so that nothing is optimized away. sums [groups · WG] f32. Grid: any number
// of groups over x and y.
//#include lib/grid.wgsl
alias T = vec4<f32>;
const CHAINS: u32 = 8;
const STEPS: u32 = 8; // of each chain per loop iteration
const WG: u32 = 64;

struct Params {
  rounds: u32,
  factor: f32, // from a buffer, so that compilers cannot evaluate the series
  term: f32,
}

@group(0) @binding(0) var<storage, read_write> sums: array<f32>;
@group(0) @binding(1) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let i = flat_group(group, groups) * WG + thread;
  let factor = T(params.factor);
  let term = T(params.term);
  var chains: array<T, CHAINS>;
  for (var c = 0u; c < CHAINS; c++) {
    chains[c] = T(f32(thread + c));
  }
  for (var round = 0u; round < params.rounds; round++) {
    for (var step = 0u; step < STEPS; step++) {
      for (var c = 0u; c < CHAINS; c++) {
//#if FUSED
        chains[c] = fma(chains[c], factor, term);
//#else
        chains[c] = chains[c] * factor + term;
//#endif
      }
    }
  }
  var sum = chains[0];
  for (var c = 1u; c < CHAINS; c++) {
    sum += chains[c];
  }
//#if SCALAR
  sums[i] = sum;
//#else
  sums[i] = sum.x + sum.y + sum.z + sum.w;
//#endif
}
