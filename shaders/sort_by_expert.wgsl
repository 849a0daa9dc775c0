// Sorts pairs of a token and one of its experts by expert, those of an expert in the order of their tokens. Pair
// token · top + j is the token's j-th expert, chosen [pairs] u32.
//   starts [experts + 1]: where each expert's pairs begin, and the end.  pairs [pairs], tokens [pairs]: the pair and the
//   token at each place.  places [pairs]: the place of each pair.
// One workgroup per expert; a thread looks at adjacent pairs.
const WG: u32 = 256;

struct Params {
  pairs: u32,
  top: u32,
}

@group(0) @binding(0) var<storage, read> chosen: array<u32>;
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> starts: array<u32>;
@group(0) @binding(3) var<storage, read_write> pairs: array<u32>;
@group(0) @binding(4) var<storage, read_write> tokens: array<u32>;
@group(0) @binding(5) var<storage, read_write> places: array<u32>;

// Of each thread: its pairs of lower experts, and of this one.
var<workgroup> counts: array<vec2<u32>, WG>;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let expert = group.x;
  let each = (params.pairs + WG - 1u) / WG;
  let first = min(thread * each, params.pairs);
  let end = min(first + each, params.pairs);
  var own = vec2<u32>(0u);
  for (var i = first; i < end; i++) {
    own += vec2<u32>(u32(chosen[i] < expert), u32(chosen[i] == expert));
  }
  counts[thread] = own;
  workgroupBarrier();
  var lower = 0u;
  var before = 0u;
  var all = 0u;
  for (var t = 0u; t < WG; t++) {
    let count = counts[t];
    lower += count.x;
    all += count.y;
    before += select(0u, count.y, t < thread);
  }
  if (thread == 0u) {
    starts[expert] = lower;
    if (expert + 1u == groups.x) {
      starts[expert + 1u] = lower + all;
    }
  }
  var place = lower + before;
  for (var i = first; i < end; i++) {
    if (chosen[i] == expert) {
      pairs[place] = i;
      tokens[place] = i / params.top;
      places[i] = place;
      place += 1u;
    }
  }
}
