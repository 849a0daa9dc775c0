// x / a rounded to nearest even. WGSL's own division may be off by 2.5 ulp, and a 4-bit code can depend on the last
// bit. For a normal a > 0; a subnormal x or quotient counts as zero.
fn divide(x: f32, a: f32) -> f32 {
  let bits_x = bitcast<u32>(x);
  let bits_a = bitcast<u32>(a);
  let exponent_x = (bits_x >> 23u) & 255u;
  if (exponent_x == 0u) {
    return 0.0;
  }
  var exponent = i32(exponent_x) - i32((bits_a >> 23u) & 255u);
  var rest = (bits_x & 0x7fffffu) | 0x800000u;
  let divisor = (bits_a & 0x7fffffu) | 0x800000u;
  if (rest < divisor) {
    rest <<= 1u;
    exponent -= 1;
  }
  if (exponent < -126) {
    return 0.0;
  }
  // Long division: 1 bit before the point, 24 after it; the last is for rounding.
  rest -= divisor;
  var quotient = 1u;
  for (var i = 0u; i < 24u; i++) {
    rest <<= 1u;
    quotient <<= 1u;
    if (rest >= divisor) {
      rest -= divisor;
      quotient |= 1u;
    }
  }
  let kept = quotient >> 1u;
  let up = (quotient & 1u) == 1u && (rest != 0u || (kept & 1u) == 1u);
  let magnitude = u32(exponent + 126) * 0x800000u + kept + select(0u, 1u, up);
  return bitcast<f32>((bits_x & 0x80000000u) | magnitude);
}
