// Products of the pairs of a chunk's tokens (lib/delta_rule.wgsl), in workgroup memory: of i and j at i · CHUNK + j. Of
// loops whose bounds are constant, compilers for processors would unroll all.
const TILE: u32 = 8; // columns at a time

// [CHUNK, TILE]: columns of i, and of j.
var<workgroup> left: array<f32, CHUNK * TILE>;
var<workgroup> right: array<f32, CHUNK * TILE>;
var<workgroup> products: array<f32, CHUNK * CHUNK>;

fn clear_products(count: u32, thread: u32) {
  for (var pair = thread; pair < count * CHUNK; pair += WG) {
    products[pair] = 0.0;
  }
}

// Adds the products of the columns in `left` and `right`.
fn add_products(count: u32, thread: u32) {
  for (var pair = thread; pair < count * CHUNK; pair += WG) {
    var sum = 0.0;
    for (var d = 0u; d < TILE; d++) {
      sum += left[pair / CHUNK * TILE + d] * right[pair % CHUNK * TILE + d];
    }
    products[pair] += sum;
  }
}

// Multiplies all products by D, which is 0 for j > i and where j is before i's segment. Begins and ends with a barrier.
fn decay_products(count: u32, thread: u32) {
  workgroupBarrier();
  for (var j = thread; j < CHUNK; j += WG) {
    var sum = 0.0;
    for (var i = 0u; i < count; i++) {
      sum += select(0.0, log_decay[i], i > j);
      let sees = j <= i && j >= segment[i];
      products[i * CHUNK + j] *= select(0.0, exp_of(sum), sees);
    }
  }
  workgroupBarrier();
}
