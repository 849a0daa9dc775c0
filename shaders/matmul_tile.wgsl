// A matrix product (lib/matmul.wgsl) through workgroup memory: a workgroup stages BK of k for its BM x BN tile of c,
// and a thread accumulates TM rows by 4·TV columns of it in registers. Grid: x = ceil(n / BN), y = ceil(m / BM) of the
// largest member, z = members.
//#include lib/matmul.wgsl
const BM: u32 = 64;
const BN: u32 = 64;
const BK: u32 = 16;
const TM: u32 = 8;
const TV: u32 = 1;
const ACROSS = BN / (4u * TV); // threads along n
const THREADS = (BM / TM) * ACROSS;

// Vectors hold four adjacent elements of m or n: a thread reads TM / 4 of one and TV of the other for each k.
var<workgroup> tile_a: array<vec4<f32>, BK * BM / 4u>; // [k, m / 4]
var<workgroup> tile_w: array<vec4<f32>, BK * BN / 4u>; // [k, n / 4]

fn stage_a(row0: u32, k0: u32, member: Member, thread: u32) {
  const BLOCKS = BM / 4u;
  for (var i = thread; i < BLOCKS * BK / 4u; i += THREADS) {
    // Adjacent threads read adjacent addresses.
    let m = select(i / (BK / 4u), i % BLOCKS, TRANS_A);
    let k = select(i % (BK / 4u), i / BLOCKS, TRANS_A) * 4u;
    let block = a_block(row0 + m * 4u, k0 + k, member);
//#for D 4
    tile_a[(k + D) * BLOCKS + m] = block[D];
//#end
  }
}

//#if TRANS_W
// Eight of k of four columns at a time.
fn stage_w(column0: u32, k0: u32, member: Member, thread: u32) {
  for (var i = thread; i < (BN / 4u) * (BK / 8u); i += THREADS) {
    let n = i / (BK / 8u);
    let k = (i % (BK / 8u)) * 8u;
    var eights: array<Eight, 4>;
//#for J 4
    let row_J = member.w_row + min(column0 + n * 4u + J, member.end.y - 1u);
    eights[J] = fetch_w8(row_J, member.w_col + k0 + k, member.ldw);
//#end
//#for HALF 2
    let block_HALF = transpose(mat4x4<f32>(
      unpack_w4(eights[0], HALF, member.ldw),
      unpack_w4(eights[1], HALF, member.ldw),
      unpack_w4(eights[2], HALF, member.ldw),
      unpack_w4(eights[3], HALF, member.ldw),
    ));
//#for D 4
    tile_w[(k + HALF * 4u + D) * (BN / 4u) + n] = block_HALF[D];
//#end
//#end
  }
}
//#else
// Eight columns of one k at a time.
fn stage_w(column0: u32, k0: u32, member: Member, thread: u32) {
  for (var i = thread; i < BK * (BN / 8u); i += THREADS) {
    let n = i % (BN / 8u);
    let k = i / (BN / 8u);
    let row = member.w_row + min(k0 + k, member.end.z - 1u);
    let column = member.w_col + min(column0 + n * 8u, (member.end.y - 1u) / 8u * 8u);
    let eight = fetch_w8(row, column, member.ldw);
    let at = k * (BN / 4u) + n * 2u;
    tile_w[at] = unpack_w4(eight, 0u, member.ldw);
    tile_w[at + 1u] = unpack_w4(eight, 1u, member.ldw);
  }
}
//#endif

//#if LORA
fn stage_lora(row0: u32, column0: u32, k0: u32, member: Member, thread: u32) {
  for (var i = thread; i < BK * BM / 4u; i += THREADS) {
    let r = k0 + i / (BM / 4u);
    let row = row0 + (i % (BM / 4u)) * 4u;
    let four = vec4<f32>(
      u_at(row, r, member), u_at(row + 1u, r, member), u_at(row + 2u, r, member), u_at(row + 3u, r, member),
    );
    tile_a[i] = select(vec4<f32>(0.0), four, r < params.rank);
  }
  for (var i = thread; i < BK * BN / 4u; i += THREADS) {
    let r = min(k0 + i / (BN / 4u), params.rank - 1u);
    let column = column0 + (i % (BN / 4u)) * 4u;
    tile_w[i] = vec4<f32>(
      b_at(r, column, member), b_at(r, column + 1u, member), b_at(r, column + 2u, member), b_at(r, column + 3u, member),
    );
  }
}
//#endif

// Adds the product of the staged range of k. Its bound is unknown at compile time, so that compilers do not unroll the
// loop.
fn add_tile(sums: ptr<function, array<vec4<f32>, TM * TV>>, depth: u32, down: u32, across: u32) {
  for (var k = 0u; k < min(BK, depth); k++) {
//#for V TV
    let w_V = tile_w[k * (BN / 4u) + across + V * ACROSS];
//#end
//#for Q TM / 4
    {
      let x = tile_a[k * (BM / 4u) + down * (TM / 4u) + Q];
//#for I 4
//#for V TV
      (*sums)[(Q * 4u + I) * TV + V] += x[I] * w_V;
//#end
//#end
    }
//#end
  }
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  var member = member_of(group.z);
  let row0 = place_rows(&member, group, BM);
  let end = member.end;
  let column0 = member.first.y + group.x * BN;
  if (row0 >= end.x || column0 >= end.y) {
    return;
  }
  let down = thread / ACROSS;
  let across = thread % ACROSS;
  var sums: array<vec4<f32>, TM * TV>;
  for (var k0 = member.first.z; k0 < end.z; k0 += BK) {
    stage_a(row0, k0, member, thread);
    stage_w(column0, k0, member, thread);
    workgroupBarrier();
    add_tile(&sums, end.z - k0, down, across);
    workgroupBarrier();
  }
//#for I TM * TV
  sums[I] *= params.scale;
//#end
//#if LORA
  for (var k0 = 0u; k0 < params.rank; k0 += BK) {
    stage_lora(row0, column0, k0, member, thread);
    workgroupBarrier();
    add_tile(&sums, params.rank - k0, down, across);
    workgroupBarrier();
  }
//#endif
  let row = row0 + down * TM;
//#if UNROLLED
//#for I TM
  if (row + I < end.x) {
//#for V TV
//#for J 4
    finish(row + I, column0 + (across + V * ACROSS) * 4u + J, sums[I * TV + V][J], member);
//#end
//#end
  }
//#end
//#else
  // A loop that is not unrolled, over a copy: unrolled it would be most of the shader.
  var made = sums;
  for (var i = 0u; i < TM * TV * 4u && row + i / (TV * 4u) < end.x; i++) {
    let part = i / 4u;
    finish(row + part / TV, column0 + (across + part % TV * ACROSS) * 4u + i % 4u, made[part][i % 4u], member);
  }
//#endif
}
