// PCG hash RXS-M-XS (Jarzynski & Olano, "Hash functions for GPU rendering", 2020): a bijection of u32.
fn pcg(value: u32) -> u32 {
  let state = value * 747796405u + 2891336453u;
  let word = ((state >> ((state >> 28u) + 4u)) ^ state) * 277803737u;
  return (word >> 22u) ^ word;
}

// Bits that depend on (seed, index) alone. Both are hashed first, so that masks of two seeds are not shifts of each
// other.
fn random_bits(seed: u32, index: u32) -> u32 {
  return pcg(pcg(index) + pcg(seed));
}
