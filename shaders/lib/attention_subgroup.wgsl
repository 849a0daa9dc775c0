// Shared by the attention kernels that use no workgroup memory. A workgroup is one subgroup. Each thread owns ROWS
// complete rows (queries, or keys for dK and dV) in registers; the rows of the other side are loaded once per subgroup,
// with their vec4s distributed over the threads, and broadcast. So a multiply-add costs few loads and no barrier: best
// where all loads are slow, as on software adapters.
//#include lib/attention_rows.wgsl
//#include lib/subgroup.wgsl
const ROWS: u32 = 2;
const HELD: u32 = 1; // vec4s of such a row per thread, ceil(D4 / SUBGROUP)

const OWNED: u32 = SUBGROUP * ROWS; // rows per workgroup

// Sums the four chains of a dot product, always in this order: gradients recompute exactly the forward pass's scores.
fn total(chains: vec4<f32>) -> f32 {
  return (chains.x + chains.y) + (chains.z + chains.w);
}
