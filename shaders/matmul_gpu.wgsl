// A matrix product (lib/matmul.wgsl) for GPUs: a workgroup stages BK of k for its BM x BN tile of c in workgroup memory,
// and a thread accumulates TM rows by 4·TV columns of it in registers. Grid: x = ceil(n / BN), y = ceil(m / BM) of the
// largest member, z = members.
// - Everything that indexes registers is unrolled, so that no compiler puts sums in memory.
// - Each thread reads the next tile's elements before it computes with the present one, and writes them to workgroup
//   memory after: loads are in flight while it computes. Held as stored, since converting would wait for them.
// - Operands are staged as they are stored, four adjacent elements at a time: of k for a and for w with TRANS_W, else of
//   m and n. So nothing is transposed, and each step takes four of k.
// - The last tile of k is the only one that may be cut off: it comes first, before the loop, which needs no guard.
//   Rows and columns outside of c are clamped once, and never written.
// ACROSS must be a multiple of 8, and each thread must stage as much as any other, but for 4-bit codes, of which some may
// stage none.
//#include lib/matmul.wgsl
const BM: u32 = 128;
const BN: u32 = 64;
const BK: u32 = 16;
const TM: u32 = 8;
const TV: u32 = 2;
const ACROSS = BN / (4u * TV); // threads along n
const THREADS = (BM / TM) * ACROSS;
const K4 = BK / 4u;
// Elements in workgroup memory: of f16 if the operand is in f16.
alias TA = f32;
alias TW = f32;

var<workgroup> tile_a: array<vec4<TA>, BK * BM / 4u>; // [m, k / 4], with TRANS_A [k, m / 4]
var<workgroup> tile_w: array<vec4<TW>, BK * BN / 4u>; // [column, k / 4], else [k, n / 4]

//#include lib/matmul_staging.wgsl

struct Sums {
//#for Q TM / 4
//#for I 4
//#for V TV
  sum_Q_I_V: vec4<f32>,
//#end
//#end
//#end
}

// Adds the product of four of k of the staged tiles.
fn add_four(sums: ptr<function, Sums>, index: u32, thread: u32) {
  // The remainders tell compilers that every index is inside of the tiles.
  let down = thread % THREADS / ACROSS;
  let across = thread % ACROSS;
  let k4 = index % K4;
//#if TRANS_A
//#for D 4
  {
//#for V TV
    let w_V = vec4<f32>(tile_w[(k4 * 4u + D) * (BN / 4u) + across + V * ACROSS]);
//#end
//#for Q TM / 4
    let x_Q = vec4<f32>(tile_a[(k4 * 4u + D) * (BM / 4u) + down * (TM / 4u) + Q]);
//#for I 4
//#for V TV
    (*sums).sum_Q_I_V = fma(vec4<f32>(x_Q[I]), w_V, (*sums).sum_Q_I_V);
//#end
//#end
//#end
  }
//#end
//#else
//#if TRANS_W
  let first = across * K4 + (k4 + across / (32u / BK)) % K4;
//#for V TV
//#for J 4
  let column_V_J = vec4<f32>(tile_w[first + (V * 4u + J) * (ACROSS * K4)]);
//#end
//#for D 4
  let w_V_D = vec4<f32>(column_V_0u[D], column_V_1u[D], column_V_2u[D], column_V_3u[D]);
//#end
//#end
//#else
//#for V TV
//#for D 4
  let w_V_D = vec4<f32>(tile_w[(k4 * 4u + D) * (BN / 4u) + across + V * ACROSS]);
//#end
//#end
//#endif
//#for Q TM / 4
//#for I 4
  {
    let x = vec4<f32>(tile_a[(down * TM + Q * 4u + I) * K4 + k4]);
//#for D 4
//#for V TV
    (*sums).sum_Q_I_V = fma(vec4<f32>(x[D]), w_V_D, (*sums).sum_Q_I_V);
//#end
//#end
  }
//#end
//#end
//#endif
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  var member = member_of(group.z);
  let row0 = place_rows(&member, group, BM);
  let first = member.first;
  let end = member.end;
  let column0 = first.y + group.x * BN;
  if (row0 >= end.x || column0 >= end.y) {
    return;
  }
//#if Q4
  keep_tables(thread, THREADS);
//#endif
  let down = thread / ACROSS;
  let across = thread % ACROSS;
  var sums: Sums;
  let tiles = (end.z - first.z + BK - 1u) / BK;
  let last = first.z + (tiles - 1u) * BK;
  var held: Held;
//#for S BK * TM * TV / BN
  held.a_S = hold_last_a(row0, last, outer_a(thread, S), inner_a(thread), member);
//#if TRANS_A
  let a_S = a_row(row0 + inner_a(thread), member) + outer_a(thread, S) * member.lda;
//#else
  let a_S = a_row(row0 + outer_a(thread, S), member) + inner_a(thread);
//#endif
//#end
  hold_w(&held, column0, last, thread, true, member);
//#if Q4
  workgroupBarrier(); // the tables are there
//#endif
  for (var i = 0u; i < tiles; i++) {
    stage(held, thread, member);
    workgroupBarrier();
    // Without a branch, at whose end a compiler may wait for the loads: the last round reads a tile again, for nothing.
    let k0 = first.z + min(i, max(tiles, 2u) - 2u) * BK;
//#for S BK * TM * TV / BN
    held.a_S = hold_a(a_S + a_depth(k0, member));
//#end
    hold_w(&held, column0, k0, thread, false, member);
//#for Q BK / 4
    add_four(&sums, Q, thread);
//#end
    workgroupBarrier();
  }
//#for Q TM / 4
//#for I 4
//#for V TV
  sums.sum_Q_I_V *= params.scale;
//#end
//#end
//#end
//#if LORA
  for (var r0 = 0u; r0 < params.rank; r0 += BK) {
    stage_lora(row0, column0, r0, member, thread);
    workgroupBarrier();
    for (var k4 = 0u; k4 < K4 && r0 + k4 * 4u < params.rank; k4++) {
      add_four(&sums, k4, thread);
    }
    workgroupBarrier();
  }
//#endif
//#for Q TM / 4
//#for I 4
//#for V TV
  finish4(row0 + down * TM + Q * 4u + I, column0 + (across + V * ACROSS) * 4u, sums.sum_Q_I_V, member);
//#end
//#end
//#end
}
