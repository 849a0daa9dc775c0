// dq of causal grouped-query attention, from probabilities recomputed with the saved log-sum-exp:
//   p = exp(scale · q·k − lse),  ds = p · (dO·v − delta),  dq[t,h,:] = scale · Σ_s ds[t,s] k[s,:]
// q [T, H, D] E; k, v [T, Hkv, D] E; d_o, d_q [T, H, D] f32; delta [T, H, 2] f32 = (lse, delta).
// The grid and the visible keys are those of attention.wgsl.
//#include lib/grid.wgsl
//#include lib/attention.wgsl
//#include lib/attention_backward_q.wgsl

const LINES: u32 = ROWS + OTHERS;
const TILE: u32 = max(2u * LINES * STRIDE, OTHERS * WIDTH);

// A chunk of q and k, then of d_o and v, for the scores; later a part of k.
var<workgroup> tile: array<vec4<f32>, TILE>;
// [key][row group]
var<workgroup> d_scores: array<vec4<f32>, OTHERS * ROW_GROUPS>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let queries = params.rows * GROUP;
  let tiles = (queries + ROWS - 1u) / ROWS;
  let index = flat_group(group, groups);
  let kv_head = index / tiles;
  if (kv_head >= params.kv_heads) {
    return;
  }
  let first_row = index % tiles * ROWS;
  let lane = thread % LANES;
  let row_group = thread / LANES;
  let first_line = 4u * row_group * STRIDE;

  var lowest = vec4<u32>(1u);
  var highest = vec4<u32>(0u);
  var row_lse = vec4<f32>(0.0);
  var row_delta = vec4<f32>(0.0);
  for (var r = 0u; r < 4u; r++) {
    let row = first_row + 4u * row_group + r;
    if (row < queries) {
      let token = row / GROUP;
      lowest[r] = max(segment_start[token], first_in_window(token, params.window));
      highest[r] = token;
      let saved = delta[query_at(row, kv_head, params.kv_heads)];
      row_lse[r] = saved.x;
      row_delta[r] = saved.y;
    }
  }
  let first_token = first_row / GROUP;
  let first_key = max(segment_start[first_token], first_in_window(first_token, params.window));
  let end_key = (min(first_row + ROWS, queries) - 1u) / GROUP + 1u;

  var sums: array<vec4<f32>, SUMS>;

  for (var key0 = first_key; key0 < end_key; key0 += OTHERS) {
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
            if (first_row + line < queries) {
              let at = query_at(first_row + line, kv_head, params.kv_heads) * D4 + column;
              first = vec4<f32>(q[at]);
              second = d_o[at];
            }
          } else {
            let key = key0 + line - ROWS;
            if (key < end_key) {
              let at = (key * params.kv_heads + kv_head) * D4 + column;
              first = vec4<f32>(k[at]);
              second = vec4<f32>(v[at]);
            }
          }
        }
        tile[line * STRIDE + i % CHUNK] = first;
        tile[(LINES + line) * STRIDE + i % CHUNK] = second;
      }
      workgroupBarrier();
      for (var at = first_line; at < first_line + min(CHUNK, params.columns - column0); at++) {
        let q0 = tile[at];
        let q1 = tile[at + STRIDE];
        let q2 = tile[at + 2u * STRIDE];
        let q3 = tile[at + 3u * STRIDE];
        let below = at + LINES * STRIDE;
        let g0 = tile[below];
        let g1 = tile[below + STRIDE];
        let g2 = tile[below + 2u * STRIDE];
        let g3 = tile[below + 3u * STRIDE];
        for (var j = 0u; j < PER_LANE; j++) {
          let other = (ROWS + j * LANES + lane) * STRIDE + at - first_line;
          scores[j] += dots(q0, q1, q2, q3, tile[other]);
          d_weights[j] += dots(g0, g1, g2, g3, tile[LINES * STRIDE + other]);
        }
      }
    }

    for (var j = 0u; j < PER_LANE; j++) {
      let key = vec4<u32>(key0 + j * LANES + lane);
      let weight = exp(min(scores[j] * params.scale - row_lse, vec4<f32>(0.0)));
      let d_score = weight * (d_weights[j] - row_delta) * params.scale;
      d_scores[(j * LANES + lane) * ROW_GROUPS + row_group] =
        select(vec4<f32>(0.0), d_score, (key >= lowest) & (key <= highest));
    }

    for (var part = 0u; part < PARTS; part++) {
      workgroupBarrier();
      for (var i = thread; i < OTHERS * WIDTH; i += THREADS) {
        let key = key0 + i / WIDTH;
        let column = part * WIDTH + i % WIDTH;
        var value = vec4<f32>();
        if (key < end_key && column < D4) {
          value = vec4<f32>(k[(key * params.kv_heads + kv_head) * D4 + column]);
        }
        tile[i] = value;
      }
      workgroupBarrier();
      for (var other = 0u; other < min(OTHERS, end_key - key0); other++) {
        let d_score = d_scores[other * ROW_GROUPS + row_group];
        for (var i = 0u; i < COLUMNS; i++) {
          let value = tile[other * WIDTH + i * LANES + lane];
          let at = 4u * (part * COLUMNS + i);
          sums[at] += d_score.x * value;
          sums[at + 1u] += d_score.y * value;
          sums[at + 2u] += d_score.z * value;
          sums[at + 3u] += d_score.w * value;
        }
      }
    }
  }

  for (var r = 0u; r < 4u; r++) {
    let row = first_row + 4u * row_group + r;
    if (row < queries) {
      let at = query_at(row, kv_head, params.kv_heads) * D4;
      for (var i = 0u; i < COLUMNS * PARTS; i++) {
        let column = i * LANES + lane;
        if (column < D4) {
          d_q[at + column] = sums[4u * i + r];
        }
      }
    }
  }
}
