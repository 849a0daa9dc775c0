// What the attention kernels without workgroup memory share. A workgroup is one subgroup. Each thread owns ROWS rows
// (queries, or keys for dK and dV), whole and in registers; the rows of the other side are loaded once a subgroup, each
// thread holding other vec4s of the head, and handed round. So a multiply-add costs few loads and no barrier: best
// where loads are slow whatever they load from, as on software adapters.
//#include lib/attention_rows.wgsl
//#include lib/subgroup.wgsl
const ROWS: u32 = 2;
const HELD: u32 = 1; // vec4s of such a row in a thread, ceil(D4 / SUBGROUP)

const OWNED: u32 = SUBGROUP * ROWS; // rows of a workgroup

// The four chains of a dot product, always added in this order: gradients recompute the very scores of the forward pass.
fn total(chains: vec4<f32>) -> f32 {
  return (chains.x + chains.y) + (chains.z + chains.w);
}
