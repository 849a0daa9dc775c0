// Sums over the columns of each of HEADS heads by LANES threads, of which each leaves its part in `sums`. `Sum` is f32 or
// a vector.
var<workgroup> sums: array<Sum, HEADS * LANES>;

// The sum of a head, after a barrier.
fn head_sum(head: u32) -> Sum {
  var sum = Sum();
  for (var lane = 0u; lane < LANES; lane++) {
    sum += sums[head * LANES + lane];
  }
  return sum;
}
