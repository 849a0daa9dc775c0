// Elements of a weight as bits in the low 16 (bf16, f16) or all 32 (f32) of a u32: widening, and rounding to nearest
// even, in integers, because WGSL allows pack2x16float to round either way and to flush subnormals.

// Bits of an f32 → bits of the nearest bf16. NaN stays NaN, overflow gives infinity.
fn round_to_bf16(bits: u32) -> u32 {
  if ((bits & 0x7fffffffu) > 0x7f800000u) {
    return (bits >> 16u) | 0x40u; // rounding a NaN up could wrap to zero: set its quiet bit instead
  }
  return (bits + 0x7fffu + ((bits >> 16u) & 1u)) >> 16u;
}

// Bits of an f32 → bits of the nearest f16, including subnormals. NaN stays NaN, overflow gives infinity.
fn round_to_f16(bits: u32) -> u32 {
  let sign = (bits >> 16u) & 0x8000u;
  let magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) {
    return sign | 0x7e00u | ((magnitude >> 13u) & 0x1ffu);
  }
  if (magnitude >= 0x477ff000u) {
    return sign | 0x7c00u; // from 65520 on, halfway between the largest f16 and 65536
  }
  if (magnitude >= 0x38800000u) {
    let rebased = magnitude - 0x38000000u;
    return sign | ((rebased + 0xfffu + ((rebased >> 13u) & 1u)) >> 13u);
  }
  if (magnitude <= 0x33000000u) {
    return sign; // up to 2^-25, half the smallest subnormal: the tie goes to zero
  }
  // Subnormal: mantissa · 2^(exponent − 150) in units of 2^-24; the shift is 14 to 24.
  let shift = 126u - (magnitude >> 23u);
  let mantissa = (magnitude & 0x7fffffu) | 0x800000u;
  let kept = mantissa >> shift;
  let rest = mantissa & ((1u << shift) - 1u);
  let half = 1u << (shift - 1u);
  let up = rest > half || (rest == half && (kept & 1u) == 1u);
  return sign | (kept + select(0u, 1u, up));
}

// Bits of an f16 → bits of the same value in f32.
fn widen_f16(half: u32) -> u32 {
  let sign = (half & 0x8000u) << 16u;
  let exponent = (half >> 10u) & 0x1fu;
  let mantissa = half & 0x3ffu;
  if (exponent == 31u) {
    return sign | 0x7f800000u | (mantissa << 13u);
  }
  if (exponent == 0u) {
    return sign | bitcast<u32>(f32(mantissa) * 5.960464477539063e-8); // mantissa · 2^-24
  }
  return sign | ((exponent + 112u) << 23u) | (mantissa << 13u);
}

// f32 bits → element bits of format OUT, and element bits of format W → f32 bits.
fn round_to_out(bits: u32) -> u32 {
//#if OUT == bf16
  return round_to_bf16(bits);
//#else
//#if OUT == f16
  return round_to_f16(bits);
//#else
  return bits;
//#endif
//#endif
}

fn widen_w(element: u32) -> u32 {
//#if W == bf16
  return element << 16u;
//#else
//#if W == f16
  return widen_f16(element);
//#else
  return element;
//#endif
//#endif
}
