// Causal grouped-query attention, forward (flash attention: Dao et al., 2022; online softmax: Milakov & Gimelshein,
// 2018).
//   o[t,h,:] = Σ_s softmax_s(scale · q[t,h,:]·k[s,h/GROUP,:]) v[s,h/GROUP,:],  lse[t,h] = log Σ_s exp(scale · q·k)
// over keys s with max(segment_start[t], p − window + 1) ≤ s ≤ p = t + query_offset.
// q, o [T, H, D] E; k, v [K, Hkv, D] E; lse [T, H] f32; segment_start [T] u32, non-decreasing. One workgroup per KV
// head and ROWS queries of its group.
//#include lib/grid.wgsl
//#include lib/attention.wgsl
//#include lib/attention_forward.wgsl

// Below any score and so far above MASKED that exp(MASKED - LOWEST) is exactly zero: what is masked cannot change a bit.
const LOWEST: f32 = -1e29;

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

  // Keys lowest … highest are visible to the thread's rows. Rows past the end compute the last one and store nothing.
  var lowest: vec4<u32>;
  var highest: vec4<u32>;
//#for R 4
  {
    let token = min(first_row + 4u * row_group + R, queries - 1u) / GROUP;
    let position = token + params.query_offset;
    lowest[R] = max(segment_start[token], first_in_window(position, params.window));
    highest[R] = position;
  }
//#end
  // The keys that any row of the tile sees. Later ones are not loaded: a cache may hold stale values there.
  let first_token = first_row / GROUP;
  let last_token = (min(first_row + ROWS, queries) - 1u) / GROUP;
  let first_key = max(segment_start[first_token], first_in_window(first_token + params.query_offset, params.window));
  let end_key = min(last_token + params.query_offset + 1u, params.keys);

//#for N ROW_LOADS
  let row_N = thread + N * THREADS;
  let row_at_N =
    query_at(min(first_row + row_N / CHUNK, queries - 1u), kv_head, params.kv_heads) * D4 + row_N % CHUNK;
//#end
  var peak = vec4<f32>(LOWEST);
  var sum = vec4<f32>(0.0);
//#for P PARTS
  var sums_P: array<vec4<f32>, 4u * COLUMNS>;
//#end

  for (var key0 = first_key; key0 < end_key; key0 += OTHERS) {
//#for N OTHER_LOADS
    let other_N = thread + N * THREADS;
    let other_at_N = (min(key0 + other_N / CHUNK, end_key - 1u) * params.kv_heads + kv_head) * D4 + other_N % CHUNK;
//#end
    var scores = array<vec4<f32>, PER_LANE>();
    for (var column = 0u; column < params.columns; column += CHUNK) {
//#for N ROW_LOADS
      let row_value_N = q[row_at_N + column];
//#end
//#for N OTHER_LOADS
      let other_value_N = k[other_at_N + column];
//#end
      workgroupBarrier();
//#for N ROW_LOADS
      if (ROWS_FIT || row_N < ROWS * CHUNK) {
        tile[row_N / CHUNK * STRIDE + row_N % CHUNK] = vec4<f32>(row_value_N);
      }
//#end
//#for N OTHER_LOADS
      if (OTHERS_FIT || other_N < OTHERS * CHUNK) {
        tile[(ROWS + other_N / CHUNK) * STRIDE + other_N % CHUNK] = vec4<f32>(other_value_N);
      }
//#end
      workgroupBarrier();
      add_dots(&scores, thread);
    }

    var tile_peak = peak;
//#for J PER_LANE
    {
      let key = vec4<u32>(key0 + J * LANES + lane);
      scores[J] = select(vec4<f32>(MASKED), scores_of(scores[J]), (key >= lowest) & (key <= highest));
      tile_peak = max(tile_peak, scores[J]);
    }
//#end
    workgroupBarrier();
    tile[thread] = tile_peak;
    workgroupBarrier();
//#for L LANES
    tile_peak = max(tile_peak, tile[row_group * LANES + L]);
//#end
    let rescale = exp(peak - tile_peak);
    peak = tile_peak;
    sum *= rescale;
//#for J PER_LANE
    scores[J] = exp(scores[J] - peak);
    sum += scores[J];
//#end
//#for P PARTS
//#for C COLUMNS
    sums_P[4u * C] *= rescale.x;
    sums_P[4u * C + 1u] *= rescale.y;
    sums_P[4u * C + 2u] *= rescale.z;
    sums_P[4u * C + 3u] *= rescale.w;
//#end
//#end

    for (var round0 = key0; round0 < min(key0 + OTHERS, end_key); round0 += KEYS) {
//#for P PARTS
      for (var step = 0u; step < STEPS; step++) {
//#for N VALUE_LOADS
        let value_N = thread + N * THREADS;
        let value_key_N = min(round0 + step * STEP + value_N / WIDTH, end_key - 1u);
        let loaded_N = v[(value_key_N * params.kv_heads + kv_head) * D4 + min(P * WIDTH + value_N % WIDTH, D4 - 1u)];
//#end
        workgroupBarrier();
        if (P == 0u && step == 0u) {
//#for J ROUND
          tile[(J * LANES + lane) * WEIGHTS + row_group] = scores[J];
//#end
        }
//#for N VALUE_LOADS
        if (VALUES_FIT || value_N < STEP * WIDTH) {
          tile[VALUES + value_N] = vec4<f32>(loaded_N);
        }
//#end
        workgroupBarrier();
        add_values(&sums_P, thread, step);
      }
//#end
//#for J PER_LANE
      scores[J] = scores[min(J + ROUND, PER_LANE - 1u)];
//#end
    }
  }

  workgroupBarrier();
  tile[thread] = sum;
  workgroupBarrier();
  var total = vec4<f32>(0.0);
//#for L LANES
  total += tile[row_group * LANES + L];
//#end
//#for R 4
  {
    let row = first_row + 4u * row_group + R;
    if (row < queries) {
      let at = query_at(row, kv_head, params.kv_heads);
      if (lane == 0u) {
        lse[at] = peak[R] + log(total[R]);
      }
//#for P PARTS
//#for C COLUMNS
      {
        let column = P * WIDTH + C * LANES + lane;
        if (column < D4) {
          store(at * D4 + column, sums_P[4u * C + R] / total[R]);
        }
      }
//#end
//#end
    }
  }
//#end
}
