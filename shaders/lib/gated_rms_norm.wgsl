// Shared by gated_rms_norm.wgsl and its gradient: x [T, HEADS, D] f32; projected E, rows of `stride` elements, holds z
// from `of_z` on; weight [D] f32, the same for all heads.
//#include lib/grid.wgsl
//#include lib/head_sums.wgsl
//#include lib/sigmoid.wgsl
const HEADS: u32 = 2;
const D: u32 = 8;
const LANES: u32 = 8; // threads that reduce over a head

struct Params {
  rows: u32,
  stride: u32,
  of_z: u32,
  eps: f32,
}
