// What the attention kernels share. A workgroup owns a tile of ROWS rows (queries, or keys for dK and dV) and
// walks over the other side in tiles of OTHERS columns, both staged CHUNK vec4s of the head at a time. A thread
// holds four neighbouring rows in the four components of a vec4 and scores them against PER_LANE columns; LANES
// threads share the same four rows. For the second product they share the head's columns instead.
//
// The queries of one KV head are flattened to token · GROUP + head of the group, so that a tile of keys serves
// all query heads of its group and short tiles waste little on the causal diagonal.
//
// Only the loops over registers have constant bounds. The others are kept from being unrolled, which takes some
// compilers seconds: they begin at, or end with, what is not known before they run. Sums declared inside a loop are
// initialized by hand, because some compilers do not zero a bare `var` again in the second round.
const D4: u32 = 4; // head dimension in vec4s
const GROUP: u32 = 1; // query heads of a KV head
const LANES: u32 = 8;
const ROW_GROUPS: u32 = 8;
const PER_LANE: u32 = 4;
const CHUNK: u32 = 4;
const COLUMNS: u32 = 1; // vec4 columns of the head a thread sums from one staged part

const THREADS: u32 = LANES * ROW_GROUPS;
const ROWS: u32 = 4u * ROW_GROUPS;
const OTHERS: u32 = LANES * PER_LANE;
const STRIDE: u32 = CHUNK + 1u; // odd, against bank conflicts
const WIDTH: u32 = LANES * COLUMNS; // vec4 columns in one part
const PARTS: u32 = (D4 + WIDTH - 1u) / WIDTH;
const SUMS: u32 = 4u * COLUMNS * PARTS; // vec4 sums of a thread: four rows of each column

// Far below any score, far above the f32 limit: differences of two such numbers stay finite.
const MASKED: f32 = -1e30;

// Row of the [T, H, ·] tensors that holds flattened query `row` of `kv_head`.
fn query_at(row: u32, kv_head: u32, kv_heads: u32) -> u32 {
  return (row / GROUP * kv_heads + kv_head) * GROUP + row % GROUP;
}

// The first key a query at `position` may see; a window of 0 has no bound.
fn first_in_window(position: u32, window: u32) -> u32 {
  return select(0u, position + 1u - window, window > 0u && position >= window);
}

// Dot products of four rows with one vec4 of the other side.
fn dots(a: vec4<f32>, b: vec4<f32>, c: vec4<f32>, d: vec4<f32>, other: vec4<f32>) -> vec4<f32> {
  return vec4<f32>(dot(a, other), dot(b, other), dot(c, other), dot(d, other));
}
