// A matrix product (lib/matmul.wgsl) with few columns: k is split among SLICES threads that share 4 x 4 sums of c, so
// that a small grid still fills the adapter; the last step sums the slices in order. A workgroup owns 4·PM rows by 4·PN
// columns. Grid: x = ceil(n / (4·PN)), y = ceil(m / (4·PM)), z = members.
//#include lib/matmul.wgsl
const PM: u32 = 4;
const PN: u32 = 2;
const SLICES: u32 = 16;
const PLACES = PM * PN;

var<workgroup> parts: array<vec4<f32>, 4u * PLACES * SLICES>; // [slice, row of a place, place]

@compute @workgroup_size(PLACES * SLICES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  var member = member_of(group.z);
  let row0 = place_rows(&member, group, 4u * PM);
  let end = member.end;
  if (row0 >= end.x || member.first.y + group.x * 4u * PN >= end.y) {
    return;
  }
  let place = thread % PLACES;
  let slice = thread / PLACES;
  let row = row0 + place / PN * 4u;
  let column = member.first.y + (group.x * PN + place % PN) * 4u;
  var sums: array<vec4<f32>, 4>;
  for (var k = member.first.z + slice * 8u; k < end.z; k += SLICES * 8u) {
//#if TRANS_W
    var eights: array<Eight, 4>;
//#for J 4
    eights[J] = fetch_w8(member.w_row + min(column + J, end.y - 1u), member.w_col + k, member.ldw);
//#end
//#endif
//#for HALF 2
    {
      let rows = a_block(row, k + HALF * 4u, member);
//#if TRANS_W
      let weights = transpose(mat4x4<f32>(
        unpack_w4(eights[0], HALF, member.ldw),
        unpack_w4(eights[1], HALF, member.ldw),
        unpack_w4(eights[2], HALF, member.ldw),
        unpack_w4(eights[3], HALF, member.ldw),
      ));
//#else
      var weights: mat4x4<f32>;
      let stored = member.w_col + min(column, (end.y - 1u) / 4u * 4u);
//#for D 4
      weights[D] = load_w4(member.w_row + min(k + HALF * 4u + D, end.z - 1u), stored, member.ldw);
//#end
//#endif
//#for D 4
//#for I 4
      sums[I] += rows[D][I] * weights[D];
//#end
//#end
    }
//#end
  }
//#for I 4
  parts[(slice * 4u + I) * PLACES + place] = sums[I];
//#end
  workgroupBarrier();
  for (var i = thread; i < 4u * PLACES; i += PLACES * SLICES) {
    var sum = parts[i];
    let used = min(SLICES, (end.z - member.first.z + 7u) / 8u);
    for (var s = 1u; s < used; s++) {
      sum += parts[s * 4u * PLACES + i];
    }
    sum *= params.scale;
    let at = i % PLACES;
    let m = row0 + at / PN * 4u + i / PLACES;
    let n = member.first.y + (group.x * PN + at % PN) * 4u;
//#if LORA
    for (var r = 0u; r < params.rank; r++) {
      sum += u_at(m, r, member)
        * vec4<f32>(b_at(r, n, member), b_at(r, n + 1u, member), b_at(r, n + 2u, member), b_at(r, n + 3u, member));
    }
//#endif
    for (var j = 0u; j < 4u; j++) {
      finish(m, n + j, sum[j], member);
    }
  }
}
