// sin and cos of position · frequency, accurate to about 1e-6 at any position. A product in f32 is off by 1e-3 at
// position 32,767, and drivers are worse still for large arguments, so whole turns are removed in integer arithmetic,
// which no compiler may reorder (after Payne & Hanek, 1983), and the series are evaluated up to π/4.

// The 64-bit product as (low, high).
fn wide_product(a: u32, b: u32) -> vec2<u32> {
  let a0 = a & 0xffffu;
  let a1 = a >> 16u;
  let b0 = b & 0xffffu;
  let b1 = b >> 16u;
  let middle = a1 * b0 + ((a0 * b0) >> 16u);
  let carry = (middle & 0xffffu) + a0 * b1;
  return vec2<u32>(a * b, a1 * b1 + (middle >> 16u) + (carry >> 16u));
}

// The fraction of a turn, times 2³², of position · frequency radians; 0 < frequency < 2²⁵.
fn phase_of(position: u32, frequency: f32) -> u32 {
  const INVERSE_TURN: u32 = 2734261102u; // 2³⁴ / 2π
  let bits = bitcast<u32>(frequency);
  let product = wide_product((bits & 0x7fffffu) | 0x800000u, INVERSE_TURN);
  // The turns per position in units of 2⁻³² are product · 2^(exponent − 152): in 32.32 fixed point.
  let exponent = bits >> 23u;
  var step = product;
  if (exponent > 120u) {
    let left = exponent - 120u;
    step = vec2<u32>(product.x << left, (product.y << left) | (product.x >> (32u - left)));
  } else if (exponent < 89u) {
    step = vec2<u32>(0u, 0u); // below 4e-12 radians per position
  } else if (exponent < 120u) {
    let right = 120u - exponent;
    step = vec2<u32>((product.x >> right) | (product.y << (32u - right)), product.y >> right);
  }
  return position * step.y + wide_product(position, step.x).y;
}

// (cos, sin) of position · frequency radians.
fn cos_sin(position: u32, frequency: f32) -> vec2<f32> {
  let phase = phase_of(position, frequency);
  let quarter = (phase + 0x20000000u) >> 30u;
  let x = f32(bitcast<i32>(phase - (quarter << 30u))) * 1.4629180792671596e-9; // 2π / 2³²
  let z = x * x;
  let s = x * (1.0 + z * (-1.0 / 6.0 + z * (1.0 / 120.0 + z * (-1.0 / 5040.0 + z * (1.0 / 362880.0)))));
  let c = 1.0 + z * (-0.5 + z * (1.0 / 24.0 + z * (-1.0 / 720.0 + z * (1.0 / 40320.0))));
  let odd = select(vec2<f32>(c, s), vec2<f32>(-s, c), (quarter & 1u) == 1u);
  return select(odd, -odd, (quarter & 2u) == 2u);
}
