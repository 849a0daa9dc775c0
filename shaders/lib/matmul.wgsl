// Shared by the matmul kernels: parameters, bindings and epilogue.
//   c[m, n] (+)= scale · Σ_k a(m, k) · w(k, n) (+ bias[n]) (+ residual[m, n]) (+ lora_scale · Σ_r u[m, r] · b(r, n)),
//   TRANS_A: a is stored [k, m], else [m, k].  TRANS_W: w is stored [n, k] (a linear layer's weight), else [k, n].
//   LORA: a second, low-rank product, with b stored like w.  RESIDUAL: f32, in c's layout.
//   MEMBERS: up to three products of fused projections, one per z, which are ranges of n, of m or of k:
//     n: each has its columns of c, and its own columns of u.  m: its rows of c, and its own columns of w.
//     k: each sums a range of k into its own columns of c.
//   GROUPED: rows of a belong to groups, one after the other, that begin and end at group_starts; each group has its own
//     rows of w (rows: a workgroup finds its group), or of c, to which its rows of a and w are summed (depth: one a z).
// The three layouts of training: forward X·Wᵀ (TRANS_W), backward dY·W (neither), gradient dYᵀ·X (TRANS_A). a A, w in
// any encoding of lib/weight.wgsl, c E; f32 sums in a fixed order.
//#include lib/elem.wgsl
//#include lib/weight.wgsl
alias A = f32;
const TRANS_A: bool = false;
const TRANS_W: bool = true;

struct Params {
  m: u32,
  n: u32,
  k: u32,
  lda: u32, // row stride
  ldw: u32,
  ldc: u32,
  a_offset: u32, // first element of a and c: they may be column ranges of wider matrices
  c_offset: u32,
  w_row: u32, // first stored row of w, its first column, and first element of bias
  w_col: u32,
  bias_offset: u32,
  scale: f32,
  accumulate: u32, // 1: c += …
//#if LORA
  rank: u32,
  ldu: u32,
  u_offset: u32,
  b_row: u32, // first stored row of b
  lora_scale: f32,
//#endif
//#if MEMBERS
  member_1: u32, // where the second to fourth member start; one that is not there, at the end
  member_2: u32,
  member_3: u32,
//#endif
//#if GROUPED
  group_first: u32, // the first group that w, or c, has
  group_count: u32,
  group_rows: u32, // stored rows of w, or of c, from one group to the next
//#endif
}

//#if VEC_A
@group(0) @binding(0) var<storage, read> a: array<vec4<A>>;
//#else
@group(0) @binding(0) var<storage, read> a: array<A>;
//#endif
@group(0) @binding(2) var<uniform> params: Params;
//#if VEC_C
@group(0) @binding(1) var<storage, read_write> c: array<vec4<E>>;
//#if BIAS
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;
//#endif
//#if RESIDUAL
@group(0) @binding(4) var<storage, read> residual: array<vec4<f32>>;
//#endif
//#else
@group(0) @binding(1) var<storage, read_write> c: array<E>;
//#if BIAS
@group(0) @binding(3) var<storage, read> bias: array<f32>;
//#endif
//#if RESIDUAL
@group(0) @binding(4) var<storage, read> residual: array<f32>;
//#endif
//#endif
//#if LORA
@group(0) @binding(5) var<storage, read> u: array<f32>;
@group(0) @binding(6) var<storage, read> b: array<f32>;
//#endif

//#if GROUPED
@group(0) @binding(7) var<storage, read> group_starts: array<u32>; // [groups + 1]
//#endif

// The member's range of m, n and k, as first and end, and the start of its columns of w, c and u. Also the parameters
// that inner loops use: some compilers read a uniform again each time it is named.
struct Member {
  first: vec3<u32>,
  end: vec3<u32>,
  w_col: u32,
  c_offset: u32,
  u_offset: u32,
  lda: u32,
  a_offset: u32,
  ldw: u32,
  w_row: u32,
}

fn member_of(z: u32) -> Member {
  var member: Member;
  member.end = vec3<u32>(params.m, params.n, params.k);
  member.w_col = params.w_col;
  member.c_offset = params.c_offset;
  member.lda = params.lda;
  member.a_offset = params.a_offset;
  member.ldw = params.ldw;
  member.w_row = params.w_row;
//#if LORA
  member.u_offset = params.u_offset;
//#endif
//#if MEMBERS
//#if MEMBERS == m
  let axis = 0u;
  member.w_col += z * params.n;
//#endif
//#if MEMBERS == n
  let axis = 1u;
//#if LORA
  member.u_offset += z * params.rank;
//#endif
//#endif
//#if MEMBERS == k
  let axis = 2u;
  member.c_offset += z * params.n;
//#endif
  // Not an array: registers are indexed by constants.
  let later = select(params.member_2, params.member_3, z > 2u);
  member.first[axis] = select(select(params.member_1, later, z > 1u), 0u, z == 0u);
  if (z < 3u) {
    let next = select(params.member_2, params.member_3, z > 1u);
    member.end[axis] = select(next, params.member_1, z == 0u);
  }
//#endif
  return member;
}

// The first row of c of a workgroup that computes `rows` of them; past the member's end if there are none.
fn place_rows(member: ptr<function, Member>, group: vec3<u32>, rows: u32) -> u32 {
//#if GROUPED == rows
  var tile = group.y;
  for (var g = 0u; g < params.group_count; g++) {
    let first = group_starts[params.group_first + g];
    let end = group_starts[params.group_first + g + 1u];
    let tiles = (end - first + rows - 1u) / rows;
    if (tile < tiles) {
      (*member).first.x = first;
      (*member).end.x = end;
      (*member).w_row += g * params.group_rows;
      return first + tile * rows;
    }
    tile -= tiles;
  }
  return (*member).end.x;
//#else
//#if GROUPED == depth
  (*member).first.z = group_starts[params.group_first + group.z];
  (*member).end.z = group_starts[params.group_first + group.z + 1u];
  (*member).c_offset += group.z * params.group_rows * params.ldc;
  if ((*member).first.z == (*member).end.z) {
    return (*member).end.x;
  }
//#endif
  return (*member).first.x + group.y * rows;
//#endif
}

//#if VEC_A
// Four adjacent elements of a stored row; with VEC_A all sizes and offsets of a are multiples of four.
fn load_a4(at: u32) -> vec4<f32> {
  return vec4<f32>(a[at >> 2u]);
}

fn load_a(at: u32) -> f32 {
  return f32(a[at >> 2u][at & 3u]);
}
//#else
fn load_a(at: u32) -> f32 {
  return f32(a[at]);
}
//#endif

// a(row, depth) is at a_row(row) + a_depth(depth).
fn a_row(row: u32, member: Member) -> u32 {
  let m = min(row, member.end.x - 1u);
//#if TRANS_A
  return member.a_offset + m;
//#else
  return member.a_offset + m * member.lda;
//#endif
}

fn a_depth(depth: u32, member: Member) -> u32 {
//#if TRANS_A
  return depth * member.lda;
//#else
  return depth;
//#endif
}

// a(row, depth), zero past the end of k, where w is arbitrary.
fn a_at(row: u32, depth: u32, member: Member) -> f32 {
  let value = load_a(a_row(row, member) + a_depth(min(depth, member.end.z - 1u), member));
  return select(0.0, value, depth < member.end.z);
}

// A 4 x 4 block of a, whose columns are four of k: block[d] = a(row … row + 3, depth + d), zero past the end of k.
fn a_block(row: u32, depth: u32, member: Member) -> mat4x4<f32> {
//#if VEC_A
//#if TRANS_A
  let m = min(row, member.end.x - 4u);
  return mat4x4<f32>(
//#for D 4
    select(vec4<f32>(0.0), load_a4(member.a_offset + min(depth + D, member.end.z - 1u) * member.lda + m), depth + D < member.end.z),
//#end
  );
//#else
  let k = min(depth, member.end.z - 4u);
  return transpose(mat4x4<f32>(
//#for I 4
    select(vec4<f32>(0.0), load_a4(member.a_offset + min(row + I, member.end.x - 1u) * member.lda + k), depth < member.end.z),
//#end
  ));
//#endif
//#else
  return mat4x4<f32>(
//#for D 4
//#for I 4
    a_at(row + I, depth + D, member),
//#end
//#end
  );
//#endif
}

//#if LORA
fn u_at(row: u32, r: u32, member: Member) -> f32 {
  return params.lora_scale * u[member.u_offset + min(row, member.end.x - 1u) * params.ldu + min(r, params.rank - 1u)];
}

fn b_at(r: u32, column: u32, member: Member) -> f32 {
  let n = min(column, member.end.y - 1u);
  return b[select((params.b_row + r) * params.n + n, (params.b_row + n) * params.rank + r, TRANS_W)];
}
//#endif

//#if VEC_C
// The epilogue of four adjacent columns, which are inside or outside of c together: all sizes and offsets of c, bias and
// residual are multiples of four.
fn finish4(row: u32, column: u32, sum: vec4<f32>, member: Member) {
  if (row >= member.end.x || column >= member.end.y) {
    return;
  }
  let at = (member.c_offset + row * params.ldc + column) >> 2u;
  var value = sum;
//#if BIAS
  value += bias[(params.bias_offset + column) >> 2u];
//#endif
//#if RESIDUAL
  value += residual[at];
//#endif
  if (params.accumulate == 1u) {
    value += vec4<f32>(c[at]);
  }
  c[at] = to_e4(value);
}
//#else
// The epilogue: the value of c[row, column] for its sum.
fn finish(row: u32, column: u32, sum: f32, member: Member) {
  if (row >= member.end.x || column >= member.end.y) {
    return;
  }
  let at = member.c_offset + row * params.ldc + column;
  var value = sum;
//#if BIAS
  value += bias[params.bias_offset + column];
//#endif
//#if RESIDUAL
  value += residual[at];
//#endif
  if (params.accumulate == 1u) {
    value += f32(c[at]);
  }
  c[at] = to_e(value);
}

fn finish4(row: u32, column: u32, sum: vec4<f32>, member: Member) {
//#for J 4
  finish(row, column + J, sum[J], member);
//#end
}
//#endif
