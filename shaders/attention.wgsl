// Causal grouped-query attention, forward (flash attention: Dao et al., 2022; online softmax: Milakov & Gimelshein, 2018).
//   o[t,h,:] = Σ_s softmax_s(scale · q[t,h,:]·k[s,h/GROUP,:]) v[s,h/GROUP,:],  lse[t,h] = log Σ_s exp(scale · q·k)
// over keys s with max(segment_start[t], p − window + 1) ≤ s ≤ p = t + query_offset.
// q, o [T, H, D] E; k, v [K, Hkv, D] E; lse [T, H] f32; segment_start [T] u32, non-decreasing.
// One workgroup a KV head and ROWS queries of its group.
//#include lib/grid.wgsl
//#include lib/attention.wgsl
//#include lib/attention_forward.wgsl

const TILE: u32 = max((ROWS + OTHERS) * STRIDE, OTHERS * WIDTH);

// A chunk of the queries and keys for the scores, then a part of the values.
var<workgroup> tile: array<vec4<E>, TILE>;
// [key][row group]
var<workgroup> weights: array<vec4<f32>, OTHERS * ROW_GROUPS>;
// One number a thread for maxima and sums over the lanes.
var<workgroup> shared_rows: array<vec4<f32>, THREADS>;

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
  let first_lane = row_group * LANES;
  let first_line = 4u * row_group * STRIDE;

  // Keys lowest … highest are seen by the thread's rows; none by rows past the end.
  var lowest = vec4<u32>(1u);
  var highest = vec4<u32>(0u);
  for (var r = 0u; r < 4u; r++) {
    let row = first_row + 4u * row_group + r;
    if (row < queries) {
      let position = row / GROUP + params.query_offset;
      lowest[r] = max(segment_start[row / GROUP], first_in_window(position, params.window));
      highest[r] = position;
    }
  }
  // The keys any row of the tile sees. Later ones are not even loaded: a cache may hold old values there.
  let first_token = first_row / GROUP;
  let last_token = (min(first_row + ROWS, queries) - 1u) / GROUP;
  let first_key = max(segment_start[first_token], first_in_window(first_token + params.query_offset, params.window));
  let end_key = min(last_token + params.query_offset + 1u, params.keys);

  var peak = vec4<f32>(MASKED);
  var sum = vec4<f32>(0.0);
  var sums: array<vec4<f32>, SUMS>;

  for (var key0 = first_key; key0 < end_key; key0 += OTHERS) {
    var scores = array<vec4<f32>, PER_LANE>();
    for (var column0 = 0u; column0 < params.columns; column0 += CHUNK) {
      workgroupBarrier();
      for (var i = thread; i < (ROWS + OTHERS) * CHUNK; i += THREADS) {
        let line = i / CHUNK;
        let column = column0 + i % CHUNK;
        var value = vec4<E>();
        if (column < D4) {
          if (line < ROWS) {
            if (first_row + line < queries) {
              value = q[query_at(first_row + line, kv_head, params.kv_heads) * D4 + column];
            }
          } else {
            let key = key0 + line - ROWS;
            if (key < end_key) {
              value = k[(key * params.kv_heads + kv_head) * D4 + column];
            }
          }
        }
        tile[line * STRIDE + i % CHUNK] = value;
      }
      workgroupBarrier();
      for (var at = first_line; at < first_line + min(CHUNK, params.columns - column0); at++) {
        let q0 = vec4<f32>(tile[at]);
        let q1 = vec4<f32>(tile[at + STRIDE]);
        let q2 = vec4<f32>(tile[at + 2u * STRIDE]);
        let q3 = vec4<f32>(tile[at + 3u * STRIDE]);
        let other = (ROWS + lane) * STRIDE + at - first_line;
        for (var j = 0u; j < PER_LANE; j++) {
          scores[j] += dots(q0, q1, q2, q3, vec4<f32>(tile[other + j * LANES * STRIDE]));
        }
      }
    }

    var tile_peak = peak;
    for (var j = 0u; j < PER_LANE; j++) {
      let key = vec4<u32>(key0 + j * LANES + lane);
      scores[j] = select(vec4<f32>(MASKED), scores[j] * params.scale, (key >= lowest) & (key <= highest));
      tile_peak = max(tile_peak, scores[j]);
    }
    shared_rows[thread] = tile_peak;
    workgroupBarrier();
    for (var l = first_lane; l < first_lane + LANES; l++) {
      tile_peak = max(tile_peak, shared_rows[l]);
    }
    let rescale = exp(peak - tile_peak);
    peak = tile_peak;
    sum *= rescale;
    for (var j = 0u; j < PER_LANE; j++) {
      // Exactly zero where masked, so that what stands in those keys cannot change a bit.
      let weight = select(vec4<f32>(0.0), exp(scores[j] - peak), scores[j] > vec4<f32>(MASKED));
      sum += weight;
      weights[(j * LANES + lane) * ROW_GROUPS + row_group] = weight;
    }
    for (var i = 0u; i < SUMS; i += 4u) {
      sums[i] *= rescale.x;
      sums[i + 1u] *= rescale.y;
      sums[i + 2u] *= rescale.z;
      sums[i + 3u] *= rescale.w;
    }

    for (var part = 0u; part < PARTS; part++) {
      if (part > 0u) {
        workgroupBarrier();
      }
      for (var i = thread; i < OTHERS * WIDTH; i += THREADS) {
        let key = key0 + i / WIDTH;
        let column = part * WIDTH + i % WIDTH;
        var value = vec4<E>();
        if (key < end_key && column < D4) {
          value = v[(key * params.kv_heads + kv_head) * D4 + column];
        }
        tile[i] = value;
      }
      workgroupBarrier();
      for (var other = 0u; other < min(OTHERS, end_key - key0); other++) {
        let weight = weights[other * ROW_GROUPS + row_group];
        for (var i = 0u; i < COLUMNS; i++) {
          let value = vec4<f32>(tile[other * WIDTH + i * LANES + lane]);
          let at = 4u * (part * COLUMNS + i);
          sums[at] += weight.x * value;
          sums[at + 1u] += weight.y * value;
          sums[at + 2u] += weight.z * value;
          sums[at + 3u] += weight.w * value;
        }
      }
    }
  }

  shared_rows[thread] = sum;
  workgroupBarrier();
  var total = vec4<f32>(0.0);
  for (var l = first_lane; l < first_lane + LANES; l++) {
    total += shared_rows[l];
  }
  for (var r = 0u; r < 4u; r++) {
    let row = first_row + 4u * row_group + r;
    if (row < queries) {
      let at = query_at(row, kv_head, params.kv_heads);
      if (lane == 0u) {
        lse[at] = peak[r] + log(total[r]);
      }
      for (var i = 0u; i < COLUMNS * PARTS; i++) {
        let column = i * LANES + lane;
        if (column < D4) {
          store(at * D4 + column, sums[4u * i + r] / total[r]);
        }
      }
    }
  }
}
