// Shared by the attention kernels that use workgroup memory. A workgroup owns a tile of ROWS rows (queries, or keys for
// dK and dV) and iterates over the other side in tiles of OTHERS. Both are staged CHUNK vec4s of the head at a time. A
// thread holds four adjacent rows in the components of a vec4 and scores them against PER_LANE others; LANES threads
// share the same four rows. For the second product they share the head's columns instead: round by round the weights of
// KEYS others go into workgroup memory, then STEP of their values at a time, in PARTS of the head.
//
// Registers are indexed by constants only, so that they are registers on every GPU: loops over them are unrolled here,
// and what a round takes from them is shifted to their front. Other loops end at values unknown at compile time, since
// some compilers take seconds for what they unroll. Indices of workgroup memory are sums and products of constants and
// of numbers that are below a constant: so a browser sees that they are within bounds, and does not limit them before
// each access. What is past an edge is not left out but loaded from the last row or column: it has no weight, or is not
// stored. Sums declared inside a loop are initialized explicitly, because some compilers do not zero a bare `var` again
// in the next iteration.
//#include lib/attention_rows.wgsl
const LANES: u32 = 8;
const ROW_GROUPS: u32 = 16;
const PER_LANE: u32 = 4;
const CHUNK: u32 = 4; // divides D4
const COLUMNS: u32 = 1; // vec4 columns of the head that a thread accumulates in a part
const PARTS: u32 = 1; // ceil(D4 / (LANES · COLUMNS))
const ROUND: u32 = 2; // divides PER_LANE
const STEP: u32 = 16; // divides KEYS
const UNROLL: u32 = 4; // divides STEP

// vec4s that a thread stages, rounded up: of the rows' chunk, of the others', of a step of values.
const ROW_LOADS: u32 = 2;
const OTHER_LOADS: u32 = 1;
const VALUE_LOADS: u32 = 1;

const THREADS: u32 = LANES * ROW_GROUPS;
const ROWS: u32 = 4u * ROW_GROUPS;
const OTHERS: u32 = LANES * PER_LANE;
const KEYS: u32 = LANES * ROUND; // others per round
const STRIDE: u32 = CHUNK / 2u * 2u + 1u; // odd, to avoid bank conflicts
const WIDTH: u32 = LANES * COLUMNS; // vec4 columns per part
const WEIGHTS: u32 = ROW_GROUPS + 1u; // vec4s of weights per other, one unused for the same reason
const VALUES: u32 = KEYS * WEIGHTS; // where values begin
const STEPS: u32 = KEYS / STEP;

// Whether all threads stage equally many.
const ROWS_FIT: bool = ROW_LOADS * THREADS == ROWS * CHUNK;
const OTHERS_FIT: bool = OTHER_LOADS * THREADS == OTHERS * CHUNK;
const VALUES_FIT: bool = VALUE_LOADS * THREADS == STEP * WIDTH;

// A chunk of rows and others; then the threads' maxima; then weights and values of a round.
var<workgroup> tile: array<vec4<f32>, max(max((ROWS + OTHERS) * STRIDE, VALUES + STEP * WIDTH), THREADS)>;

// Adds the products of the staged chunk, one column after another: gradients recompute exactly the forward pass's
// scores.
fn add_dots(sums: ptr<function, array<vec4<f32>, PER_LANE>>, thread: u32) {
  let first = thread / LANES % ROW_GROUPS * 4u * STRIDE;
  let other = (ROWS + thread % LANES) * STRIDE;
//#for C CHUNK
  {
    let row0 = tile[first + C];
    let row1 = tile[first + STRIDE + C];
    let row2 = tile[first + 2u * STRIDE + C];
    let row3 = tile[first + 3u * STRIDE + C];
//#for J PER_LANE
    {
      let value = tile[other + J * LANES * STRIDE + C];
      var sum = (*sums)[J];
      sum = fma(vec4<f32>(row0.x, row1.x, row2.x, row3.x), vec4<f32>(value.x), sum);
      sum = fma(vec4<f32>(row0.y, row1.y, row2.y, row3.y), vec4<f32>(value.y), sum);
      sum = fma(vec4<f32>(row0.z, row1.z, row2.z, row3.z), vec4<f32>(value.z), sum);
      sum = fma(vec4<f32>(row0.w, row1.w, row2.w, row3.w), vec4<f32>(value.w), sum);
      (*sums)[J] = sum;
    }
//#end
  }
//#end
}

// Adds the values of a round's step, times their weights, to four rows of each of the thread's columns.
fn add_values(sums: ptr<function, array<vec4<f32>, 4u * COLUMNS>>, thread: u32, step: u32) {
  let weights = step % STEPS * STEP * WEIGHTS + thread / LANES % ROW_GROUPS;
  let values = VALUES + thread % LANES;
  let end = STEP * min(params.columns, 1u); // STEP, but compilers do not know
  for (var at = 0u; at < end; at += UNROLL) {
    let other = at / UNROLL % (STEP / UNROLL) * UNROLL;
//#for U UNROLL
    {
      let weight = tile[(other + U) * WEIGHTS + weights];
//#for C COLUMNS
      {
        let value = tile[(other + U) * WIDTH + C * LANES + values];
        (*sums)[4u * C] = fma(vec4<f32>(weight.x), value, (*sums)[4u * C]);
        (*sums)[4u * C + 1u] = fma(vec4<f32>(weight.y), value, (*sums)[4u * C + 1u]);
        (*sums)[4u * C + 2u] = fma(vec4<f32>(weight.z), value, (*sums)[4u * C + 2u]);
        (*sums)[4u * C + 3u] = fma(vec4<f32>(weight.w), value, (*sums)[4u * C + 3u]);
      }
//#end
    }
//#end
  }
}
