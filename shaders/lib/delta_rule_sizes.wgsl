  rows: u32,
  chunks: u32,
  key_heads: u32,
  value_heads: u32,
  key_dim: u32, // DK
  value_dim: u32, // DV
