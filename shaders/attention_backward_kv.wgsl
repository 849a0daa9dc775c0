// dk and dv of causal grouped-query attention, summed over the query heads of each group:
//   p = exp(scale · q·k − lse),  ds = p · (dO·v − delta),  dv[s,:] = Σ_t p[t,s] dO[t,:],  dk[s,:] = scale · Σ_t ds[t,s] q[t,:]
// over queries t with s ≤ t < min(segment_end[s], s + window).
// q [T, H, D] E; k, v [T, Hkv, D] E; d_o [T, H, D] f32; delta [T, H, 2] f32 = (lse, delta); d_k, d_v [T, Hkv, D] f32;
// segment_end [T] u32, non-decreasing. One workgroup a KV head and ROWS keys; it walks over the group's queries.
//#include lib/grid.wgsl
//#include lib/attention.wgsl
//#include lib/attention_backward_kv.wgsl

const LINES: u32 = ROWS + OTHERS;
const TILE: u32 = max(2u * LINES * STRIDE, OTHERS * WIDTH);

// A chunk of k and q, then of v and d_o, for the scores; later a part of d_o, then of q.
var<workgroup> tile: array<vec4<f32>, TILE>;
// [query][row group]
var<workgroup> weights: array<vec4<f32>, OTHERS * ROW_GROUPS>;
var<workgroup> d_scores: array<vec4<f32>, OTHERS * ROW_GROUPS>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let tiles = (params.rows + ROWS - 1u) / ROWS;
  let index = flat_group(group, groups);
  let kv_head = index / tiles;
  if (kv_head >= params.kv_heads) {
    return;
  }
  let first_key = index % tiles * ROWS;
  let end_key = min(first_key + ROWS, params.rows);
  let lane = thread % LANES;
  let row_group = thread / LANES;
  let first_line = 4u * row_group * STRIDE;

  // Queries key … end − 1 see a key of the thread; none sees those past the end.
  let keys = vec4<u32>(first_key + 4u * row_group) + vec4<u32>(0u, 1u, 2u, 3u);
  var ends = vec4<u32>(0u);
  for (var r = 0u; r < 4u; r++) {
    if (keys[r] < end_key) {
      ends[r] = segment_end[keys[r]];
      if (params.window > 0u) {
        ends[r] = min(ends[r], keys[r] + params.window);
      }
    }
  }
  var end_token = min(segment_end[end_key - 1u], params.rows);
  if (params.window > 0u) {
    end_token = min(end_token, end_key - 1u + params.window);
  }
  let end_query = end_token * GROUP;

  var k_sums: array<vec4<f32>, SUMS>;
  var v_sums: array<vec4<f32>, SUMS>;

  for (var query0 = first_key * GROUP; query0 < end_query; query0 += OTHERS) {
    var scores = array<vec4<f32>, PER_LANE>();
    var d_weights = array<vec4<f32>, PER_LANE>();
    for (var column0 = 0u; column0 < params.columns; column0 += CHUNK) {
      workgroupBarrier();
      for (var i = thread; i < LINES * CHUNK; i += THREADS) {
        let line = i / CHUNK;
        let column = column0 + i % CHUNK;
        var first = vec4<f32>();
        var second = vec4<f32>();
        if (column < D4) {
          if (line < ROWS) {
            if (first_key + line < end_key) {
              let at = ((first_key + line) * params.kv_heads + kv_head) * D4 + column;
              first = vec4<f32>(k[at]);
              second = vec4<f32>(v[at]);
            }
          } else {
            let query = query0 + line - ROWS;
            if (query < end_query) {
              let at = query_at(query, kv_head, params.kv_heads) * D4 + column;
              first = vec4<f32>(q[at]);
              second = d_o[at];
            }
          }
        }
        tile[line * STRIDE + i % CHUNK] = first;
        tile[(LINES + line) * STRIDE + i % CHUNK] = second;
      }
      workgroupBarrier();
      for (var at = first_line; at < first_line + min(CHUNK, params.columns - column0); at++) {
        let k0 = tile[at];
        let k1 = tile[at + STRIDE];
        let k2 = tile[at + 2u * STRIDE];
        let k3 = tile[at + 3u * STRIDE];
        let below = at + LINES * STRIDE;
        let v0 = tile[below];
        let v1 = tile[below + STRIDE];
        let v2 = tile[below + 2u * STRIDE];
        let v3 = tile[below + 3u * STRIDE];
        for (var j = 0u; j < PER_LANE; j++) {
          let other = (ROWS + j * LANES + lane) * STRIDE + at - first_line;
          scores[j] += dots(k0, k1, k2, k3, tile[other]);
          d_weights[j] += dots(v0, v1, v2, v3, tile[LINES * STRIDE + other]);
        }
      }
    }

    for (var j = 0u; j < PER_LANE; j++) {
      let other = j * LANES + lane;
      let query = query0 + other;
      var saved = vec2<f32>(0.0);
      if (query < end_query) {
        saved = delta[query_at(query, kv_head, params.kv_heads)];
      }
      let token = vec4<u32>(query / GROUP);
      let seen = (token >= keys) & (token < ends);
      let weight = exp(min(scores[j] * params.scale - saved.x, vec4<f32>(0.0)));
      let d_score = weight * (d_weights[j] - saved.y) * params.scale;
      weights[other * ROW_GROUPS + row_group] = select(vec4<f32>(0.0), weight, seen);
      d_scores[other * ROW_GROUPS + row_group] = select(vec4<f32>(0.0), d_score, seen);
    }

    for (var part = 0u; part < PARTS; part++) {
      workgroupBarrier();
      for (var i = thread; i < OTHERS * WIDTH; i += THREADS) {
        let query = query0 + i / WIDTH;
        let column = part * WIDTH + i % WIDTH;
        var value = vec4<f32>();
        if (query < end_query && column < D4) {
          value = d_o[query_at(query, kv_head, params.kv_heads) * D4 + column];
        }
        tile[i] = value;
      }
      workgroupBarrier();
      for (var other = 0u; other < min(OTHERS, end_query - query0); other++) {
        let weight = weights[other * ROW_GROUPS + row_group];
        for (var i = 0u; i < COLUMNS; i++) {
          let value = tile[other * WIDTH + i * LANES + lane];
          let at = 4u * (part * COLUMNS + i);
          v_sums[at] += weight.x * value;
          v_sums[at + 1u] += weight.y * value;
          v_sums[at + 2u] += weight.z * value;
          v_sums[at + 3u] += weight.w * value;
        }
      }
      workgroupBarrier();
      for (var i = thread; i < OTHERS * WIDTH; i += THREADS) {
        let query = query0 + i / WIDTH;
        let column = part * WIDTH + i % WIDTH;
        var value = vec4<f32>();
        if (query < end_query && column < D4) {
          value = vec4<f32>(q[query_at(query, kv_head, params.kv_heads) * D4 + column]);
        }
        tile[i] = value;
      }
      workgroupBarrier();
      for (var other = 0u; other < min(OTHERS, end_query - query0); other++) {
        let d_score = d_scores[other * ROW_GROUPS + row_group];
        for (var i = 0u; i < COLUMNS; i++) {
          let value = tile[other * WIDTH + i * LANES + lane];
          let at = 4u * (part * COLUMNS + i);
          k_sums[at] += d_score.x * value;
          k_sums[at + 1u] += d_score.y * value;
          k_sums[at + 2u] += d_score.z * value;
          k_sums[at + 3u] += d_score.w * value;
        }
      }
    }
  }

  for (var r = 0u; r < 4u; r++) {
    if (keys[r] < end_key) {
      let at = (keys[r] * params.kv_heads + kv_head) * D4;
      for (var i = 0u; i < COLUMNS * PARTS; i++) {
        let column = i * LANES + lane;
        if (column < D4) {
          d_k[at + column] = k_sums[4u * i + r];
          d_v[at + column] = v_sums[4u * i + r];
        }
      }
    }
  }
}
