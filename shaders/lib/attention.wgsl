// What the attention kernels with workgroup memory share. A workgroup owns a tile of ROWS rows (queries, or keys for dK and dV) and
// walks over the other side in tiles of OTHERS columns, both staged CHUNK vec4s of the head at a time. A thread
// holds four neighbouring rows in the four components of a vec4 and scores them against PER_LANE columns; LANES
// threads share the same four rows. For the second product they share the head's columns instead.
//
// Only the loops over registers have constant bounds. The others are kept from being unrolled, which takes some
// compilers seconds: they begin at, or end with, what is not known before they run. Sums declared inside a loop are
// initialized by hand, because some compilers do not zero a bare `var` again in the second round.
//#include lib/attention_rows.wgsl
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

// Dot products of four rows with one vec4 of the other side.
fn dots(a: vec4<f32>, b: vec4<f32>, c: vec4<f32>, d: vec4<f32>, other: vec4<f32>) -> vec4<f32> {
  return vec4<f32>(dot(a, other), dot(b, other), dot(c, other), dot(d, other));
}
