// WGSL may assume that no float is NaN or infinite, so this tests the bits of an f32.
const INFINITY_BITS: u32 = 0x7f800000;

fn is_finite(bits: u32) -> bool {
  return (bits & 0x7f800000u) != 0x7f800000u;
}
