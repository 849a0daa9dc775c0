// A matrix product (lib/matmul.wgsl) in registers only. For four of k at a time, each thread of a subgroup loads
// different elements of a and shares them by shuffles, so that each element is loaded once per subgroup; a thread has
// its own columns of w and accumulates TM rows of them. No workgroup memory and no barriers: best where both are slow,
// as on software adapters.
// Threads: LN along n, a multiple of the subgroup, LM along m. A thread owns TM rows by 4·TV columns, which are LN
// apart where a stored row of w is a column of the product (TRANS_W), else adjacent. Grid: x = ceil(n / (4·TV·LN)), y =
// ceil(m / (TM·LM)) of the largest member, z = members.
//#include lib/subgroup.wgsl
//#include lib/matmul.wgsl
const LN: u32 = 32;
const LM: u32 = 2;
const TM: u32 = 8;
const TV: u32 = 1; // or 2
const COLUMNS = 4u * TV;
const LOADS = TM * 4u / SUBGROUP;

@compute @workgroup_size(LN * LM)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  var member = member_of(group.z);
  let first = place_rows(&member, group, TM * LM);
  let end = member.end;
  if (first >= end.x || group.x * COLUMNS * LN >= end.y - member.first.y) {
    return;
  }
//#if SHUFFLE
  keep_codebook(lane);
//#endif
  let row0 = first + thread / LN * TM;
  let corner = member.first.y + group.x * COLUMNS * LN;
  let column0 = corner + select((thread % LN) * COLUMNS, thread % LN, TRANS_W);
  let step = select(1u, LN, TRANS_W); // stride of a thread's columns
  // Separate names instead of arrays, and values instead of variables: some compilers keep arrays in memory.
//#for I TM
//#for V TV
  var sum_I_V: vec4<f32>;
//#end
//#end
  // Element i of a [TM, 4] block of a is loaded by thread i % SUBGROUP; this is where its row starts.
  let begins = array<u32, LOADS>(
//#for L TM * 4 / SUBGROUP
    a_row(row0 + (L * SUBGROUP + lane) / 4u, member),
//#end
  );
//#if Q4
  // A word of codes is read once for both halves.
  for (var k = member.first.z; k < end.z; k += 8u) {
//#if TRANS_W
    let eights = array<Eight, COLUMNS>(
//#for J TV * 4
      fetch_w8(member.w_row + min(column0 + J * LN, end.y - 1u), member.w_col + k, member.ldw),
//#end
    );
//#endif
    for (var half = 0u; half < 2u; half++) {
      let depth = k + half * 4u;
//#else
  for (var depth = member.first.z; depth < end.z; depth += 4u) {
    {
//#endif
      let at = a_depth(min(depth + lane % 4u, end.z - 1u), member);
      let inside = depth + lane % 4u < end.z; // zeros past the end of k, where w is arbitrary
      let held = array<f32, LOADS>(
//#for L TM * 4 / SUBGROUP
        select(0.0, load_a(begins[L] + at), inside),
//#end
      );
//#if TRANS_W
      let depths = array<vec4<f32>, COLUMNS>( // four of k for each column
//#for J TV * 4
//#if Q4
        unpack_w4(eights[J], half, member.ldw),
//#else
        load_w4(member.w_row + min(column0 + J * LN, end.y - 1u), member.w_col + depth, member.ldw),
//#endif
//#end
      );
//#endif
//#for D 4
      {
//#if TRANS_W
//#for V TV
        let w_V = vec4<f32>(depths[V * 4u][D], depths[V * 4u + 1u][D], depths[V * 4u + 2u][D], depths[V * 4u + 3u][D]);
//#end
//#else
        let row = member.w_row + min(depth + D, end.z - 1u);
        let column = member.w_col + min(column0, (end.y - 1u) / COLUMNS * COLUMNS);
//#if TV == 1
        let w_0u = load_w4(row, column, member.ldw);
//#else
        let eight = fetch_w8(row, column, member.ldw);
        let w_0u = unpack_w4(eight, 0u, member.ldw);
        let w_1u = unpack_w4(eight, 1u, member.ldw);
//#endif
//#endif
//#for I TM
        {
          let x = subgroupBroadcast(held[(I * 4u + D) / SUBGROUP], (I * 4u + D) % SUBGROUP);
//#for V TV
          sum_I_V = fma(vec4<f32>(x), w_V, sum_I_V);
//#end
        }
//#end
      }
//#end
    }
  }
//#for I TM
//#for V TV
  sum_I_V *= params.scale;
//#end
//#end
//#if LORA
  for (var r = 0u; r < params.rank; r++) {
    let held = array<f32, (TM + SUBGROUP - 1u) / SUBGROUP>(
//#for L TM / SUBGROUP
      u_at(row0 + L * SUBGROUP + lane, r, member),
//#end
    );
//#for V TV
    let b_V = vec4<f32>(
      b_at(r, column0 + (V * 4u) * step, member),
      b_at(r, column0 + (V * 4u + 1u) * step, member),
      b_at(r, column0 + (V * 4u + 2u) * step, member),
      b_at(r, column0 + (V * 4u + 3u) * step, member),
    );
//#end
//#for I TM
    {
      let x = subgroupBroadcast(held[I / SUBGROUP], I % SUBGROUP);
//#for V TV
      sum_I_V = fma(vec4<f32>(x), b_V, sum_I_V);
//#end
    }
//#end
  }
//#endif
  // A loop that is not unrolled, over a copy in memory: on adapters where threads store one by one, the stores make up
  // much of the shader.
  var made = array<vec4<f32>, TM * TV>(
//#for I TM
//#for V TV
    sum_I_V,
//#end
//#end
  );
  for (var i = 0u; i < TM * COLUMNS && row0 + i / COLUMNS < end.x; i++) {
    let j = i % COLUMNS;
    finish(row0 + i / COLUMNS, column0 + j * step, made[i / 4u][i % 4u], member);
  }
}
