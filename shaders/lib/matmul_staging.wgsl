// Part of matmul_gpu.wgsl: how the threads of a workgroup read a tile of a and w, and where they put it. A thread holds
// groups S of elements that are adjacent in memory; `outer` is where a group is along the axis that is not contiguous,
// `inner` where it begins along the one that is, both from the tile's start.
// What a thread has read of a tile.
struct Held {
//#for S BK * TM * TV / BN
  a_S: vec4<A>,
//#end
//#if Q4
//#for S BK * TM * TV / BM / 2
  w_S: HeldEight,
//#end
//#else
//#for S BK * TM * TV / BM
  w_S: HeldFour,
//#end
//#endif
}

fn outer_a(thread: u32, s: u32) -> u32 {
//#if TRANS_A
  return thread / (BM / 4u) + s * (THREADS / (BM / 4u));
//#else
  return thread / K4 + s * (THREADS / K4);
//#endif
}

fn inner_a(thread: u32) -> u32 {
//#if TRANS_A
  return thread % (BM / 4u) * 4u;
//#else
  return thread % K4 * 4u;
//#endif
}

fn hold_a(at: u32) -> vec4<A> {
//#if VEC_A
  return a[at >> 2u];
//#else
  return vec4<A>(a[at], a[at + 1u], a[at + 2u], a[at + 3u]);
//#endif
}

// Four of a tile that may be cut off: zero past the end of k.
fn hold_last_a(row0: u32, k0: u32, outer: u32, inner: u32, member: Member) -> vec4<A> {
//#if TRANS_A
  let depth = vec4<u32>(k0 + outer);
  let at = a_row(row0 + inner, member) + a_depth(min(depth.x, member.end.z - 1u), member);
//#else
  let depth = vec4<u32>(k0 + inner) + vec4<u32>(0u, 1u, 2u, 3u);
  let at = a_row(row0 + outer, member) + min(depth.x, member.end.z - 1u);
//#endif
  return select(vec4<A>(), hold_a(at), depth < vec4<u32>(member.end.z));
}

// Threads that read adjacent columns together find them in different banks of workgroup memory: columns are ordered by
// what reads them, and four of k are where their column is.
fn column_at(place: u32) -> u32 {
  return ((place % ACROSS) + place / (4u * ACROSS) * ACROSS) * 4u + place / ACROSS % 4u;
}

//#if Q4
const RUN: u32 = 8; // elements of w in a group
//#else
const RUN: u32 = 4;
//#endif
// Threads along the axis of w that is contiguous, which is k with TRANS_W, else n.
const W_INNER = select(BN, BK, TRANS_W) / RUN;

// Small tiles have fewer groups of w than threads: the others read groups as well, and store none.
const W_THREADS = min(THREADS, BN * BK / RUN);

fn outer_w(thread: u32, s: u32) -> u32 {
  return select(thread, thread % W_THREADS, W_THREADS < THREADS) / W_INNER + s * (THREADS / W_INNER);
}

fn inner_w(thread: u32) -> u32 {
  return thread % W_INNER * RUN;
}

struct Place {
  row: u32,
  col: u32,
}

// Where a thread's elements of w are stored. In the last tile, k is clamped: a is zero there.
fn stored_w(column0: u32, k0: u32, thread: u32, s: u32, last: bool, member: Member) -> Place {
//#if TRANS_W
  let n = min(column0 + column_at(outer_w(thread, s)), member.end.y - 1u);
  var k = k0 + inner_w(thread);
  if (last) {
    k = min(k, member.end.z - 1u);
  }
  return Place(member.w_row + n, member.w_col + k);
//#else
  var k = k0 + outer_w(thread, s);
  if (last) {
    k = min(k, member.end.z - 1u);
  }
  let n = min(column0 + inner_w(thread), member.end.y - 1u);
  return Place(member.w_row + k, member.w_col + n);
//#endif
}

fn hold_w(held: ptr<function, Held>, column0: u32, k0: u32, thread: u32, last: bool, member: Member) {
//#if Q4
//#for S BK * TM * TV / BM / 2
  {
    let at = stored_w(column0, k0, thread, S, last, member);
    (*held).w_S = hold_w8(at.row, at.col, member.ldw);
  }
//#end
//#else
//#for S BK * TM * TV / BM
  {
    let at = stored_w(column0, k0, thread, S, last, member);
    (*held).w_S = hold_w4(at.row, at.col, member.ldw);
  }
//#end
//#endif
}

// Writes what a thread holds to workgroup memory.
fn stage(held: Held, index: u32, member: Member) {
  let thread = index % THREADS; // tells compilers that every place is inside of the tiles
//#for S BK * TM * TV / BN
  tile_a[thread + S * THREADS] = vec4<TA>(held.a_S);
//#end
//#if Q4
//#for S BK * TM * TV / BM / 2
  if (W_THREADS == THREADS || thread < W_THREADS) {
    let outer = outer_w(thread, S);
    let inner = thread % W_INNER * 2u;
//#for HALF 2
//#if TRANS_W
    tile_w[outer * K4 + (inner + HALF + outer / (32u / BK)) % K4] = vec4<TW>(widen_w8(held.w_S, HALF, member.ldw));
//#else
    tile_w[outer * (BN / 4u) + inner + HALF] = vec4<TW>(widen_w8(held.w_S, HALF, member.ldw));
//#endif
//#end
  }
//#end
//#else
//#for S BK * TM * TV / BM
  {
    let outer = thread / W_INNER + S * (THREADS / W_INNER);
    let inner = thread % W_INNER;
//#if TRANS_W
    tile_w[outer * K4 + (inner + outer / (32u / BK)) % K4] = vec4<TW>(widen_w4(held.w_S));
//#else
    tile_w[outer * (BN / 4u) + inner] = vec4<TW>(widen_w4(held.w_S));
//#endif
  }
//#end
//#endif
}

//#if LORA
fn stage_lora(row0: u32, column0: u32, r0: u32, member: Member, thread: u32) {
//#for S BK * TM * TV / BN
  {
    let row = row0 + outer_a(thread, S);
    let r = vec4<u32>(r0 + inner_a(thread)) + vec4<u32>(0u, 1u, 2u, 3u);
    let four = vec4<f32>(u_at(row, r.x, member), u_at(row, r.y, member), u_at(row, r.z, member), u_at(row, r.w, member));
    tile_a[thread + S * THREADS] = vec4<TA>(select(vec4<f32>(0.0), four, r < vec4<u32>(params.rank)));
  }
//#end
//#for S BK * TM * TV / BM
  {
    let i = thread + S * THREADS;
//#if TRANS_W
    let n = column0 + column_at(i / K4);
    let r = min(vec4<u32>(r0 + i % K4 * 4u) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.rank - 1u));
    let four = vec4<f32>(b_at(r.x, n, member), b_at(r.y, n, member), b_at(r.z, n, member), b_at(r.w, n, member));
    tile_w[i / K4 * K4 + (i % K4 + i / K4 / (32u / BK)) % K4] = vec4<TW>(four);
//#else
    let n = column0 + i % (BN / 4u) * 4u;
    let r = min(r0 + i / (BN / 4u), params.rank - 1u);
    let four = vec4<f32>(b_at(r, n, member), b_at(r, n + 1u, member), b_at(r, n + 2u, member), b_at(r, n + 3u, member));
    tile_w[i] = vec4<TW>(four);
//#endif
  }
//#end
}
//#endif
