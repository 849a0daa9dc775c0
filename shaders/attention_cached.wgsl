// Grouped-query attention of tokens of many sequences over a pool of cached keys: one token each where they decode, more
// of a prompt. A token's text is two runs of the pool's rows, what it shares with others and what is its own:
//   spans[t] = (first row shared, rows shared, first own row, keys in all, t's own included)
//   o[t,h,:] = Σ_i softmax_i(scale · q[t,h,:]·k[row(i),h/GROUP,:]) v[row(i),h/GROUP,:]
// over i with max(0, keys − window) ≤ i < keys. q, o [T, H, D] E; k, v [·, Hkv, D] E. One workgroup per token and HEADS
// query heads of a group (online softmax: Milakov & Gimelshein, 2018).
//#include lib/grid.wgsl
//#include lib/attention_rows.wgsl
//#include lib/elem.wgsl
const WG: u32 = 64;
const HEADS: u32 = 1; // divides GROUP
const ITEMS: u32 = 1; // vec4s of o per thread, ceil(HEADS · D4 / WG)

struct Params {
  rows: u32,
  columns: u32, // D4
  kv_heads: u32,
  window: u32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> q: array<vec4<E>>;
@group(0) @binding(1) var<storage, read> k: array<vec4<E>>;
@group(0) @binding(2) var<storage, read> v: array<vec4<E>>;
@group(0) @binding(3) var<storage, read> spans: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> o: array<vec4<E>>;
@group(0) @binding(5) var<uniform> params: Params;

var<workgroup> queries: array<vec4<f32>, HEADS * D4>;
// Of a tile of keys. Two arrays, so that a tile needs two barriers.
var<workgroup> scores: array<f32, HEADS * WG>;
var<workgroup> weights: array<f32, HEADS * WG>;

// Where key i of a text begins, in vec4s.
fn key_at(i: u32, span: vec4<u32>, kv_head: u32) -> u32 {
  let row = select(span.z + i - span.y, span.x + i, i < span.y);
  return (row * params.kv_heads + kv_head) * D4;
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let parts = params.kv_heads * (GROUP / HEADS);
  let index = flat_group(group, groups);
  let t = index / parts;
  if (t >= params.rows) {
    return;
  }
  let first_head = index % parts * HEADS;
  let kv_head = first_head / GROUP;
  let first = (t * params.kv_heads * GROUP + first_head) * D4;
  let span = spans[t];
  let end = span.w;
  for (var i = thread; i < HEADS * D4; i += WG) {
    queries[i] = vec4<f32>(q[first + i]);
  }
  workgroupBarrier();

  var peaks: array<f32, HEADS>;
  var items: array<vec4<f32>, ITEMS>;
  var totals: array<f32, ITEMS>; // the weights that an item summed
//#for H HEADS
  peaks[H] = MASKED;
//#end
  // All keys that a token sees exist, so a tile has at least one.
  for (var tile = first_in_window(end - 1u, params.window); tile < end; tile += WG) {
    let count = min(WG, end - tile);
    // Later keys are not loaded: a pool may hold stale values there.
    let at = key_at(tile + min(thread, count - 1u), span, kv_head);
    var products = array<f32, HEADS>();
    for (var c = 0u; c < params.columns; c++) {
      let value = vec4<f32>(k[at + c]);
//#for H HEADS
      products[H] += dot(queries[H * D4 + c], value);
//#end
    }
//#for H HEADS
    products[H] = score_of(products[H]);
    scores[H * WG + thread] = products[H];
//#end
    workgroupBarrier();
    let before = peaks;
    for (var j = 0u; j < count; j++) {
//#for H HEADS
      peaks[H] = max(peaks[H], scores[H * WG + j]);
//#end
    }
//#for H HEADS
    weights[H * WG + thread] = exp(products[H] - peaks[H]);
//#end
    workgroupBarrier();
//#for I ITEMS
    {
      let item = min(thread + I * WG, HEADS * D4 - 1u);
      let head = item / D4;
      var rescale = 1.0;
//#for H HEADS
      rescale = select(rescale, exp(before[H] - peaks[H]), head == H);
//#end
      var sum = items[I] * rescale;
      var total = totals[I] * rescale;
      for (var j = 0u; j < count; j++) {
        let weight = weights[head * WG + j];
        sum = fma(vec4<f32>(weight), vec4<f32>(v[key_at(tile + j, span, kv_head) + item % D4]), sum);
        total += weight;
      }
      items[I] = sum;
      totals[I] = total;
    }
//#end
  }
//#for I ITEMS
  {
    let item = thread + I * WG;
    if (item < HEADS * D4) {
      o[first + item] = to_e4(items[I] / totals[I]);
    }
  }
//#end
}
