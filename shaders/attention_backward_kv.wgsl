// dk and dv of causal grouped-query attention, summed over the query heads of each group:
//   p = exp(scale · q·k − lse),  ds = p · (dO·v − delta)
//   dv[s,:] = Σ_t p[t,s] dO[t,:],  dk[s,:] = scale · Σ_t ds[t,s] q[t,:]
// over queries t with s ≤ t < min(segment_end[s], s + window).
// q [T, H, D] E; k, v [T, Hkv, D] E; d_o [T, H, D] f32; delta [T, H, 2] f32 = (lse, delta); d_k, d_v [T, Hkv, D] f32;
// segment_end [T] u32, non-decreasing. One workgroup per KV head and ROWS keys; it iterates over the group's queries.
//#include lib/grid.wgsl
//#include lib/attention.wgsl
//#include lib/attention_backward_kv.wgsl

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

  // Queries key … end − 1 see a key of the thread. Keys past the end compute the last one and store nothing.
  let keys = vec4<u32>(first_key + 4u * row_group) + vec4<u32>(0u, 1u, 2u, 3u);
  var ends: vec4<u32>;
//#for R 4
  ends[R] = segment_end[min(keys[R], end_key - 1u)];
//#end
  var end_token = min(segment_end[end_key - 1u], params.rows);
  if (params.window > 0u) {
    ends = min(ends, keys + vec4<u32>(params.window));
    end_token = min(end_token, end_key - 1u + params.window);
  }
  let end_query = end_token * GROUP;

//#for N ROW_LOADS
  let row_N = thread + N * THREADS;
  let row_at_N = (min(first_key + row_N / CHUNK, end_key - 1u) * params.kv_heads + kv_head) * D4 + row_N % CHUNK;
//#end
//#for P PARTS
  var k_sums_P: array<vec4<f32>, 4u * COLUMNS>;
  var v_sums_P: array<vec4<f32>, 4u * COLUMNS>;
//#end

  for (var query0 = first_key * GROUP; query0 < end_query; query0 += OTHERS) {
//#for N OTHER_LOADS
    let other_N = thread + N * THREADS;
    let other_at_N =
      query_at(min(query0 + other_N / CHUNK, end_query - 1u), kv_head, params.kv_heads) * D4 + other_N % CHUNK;
//#end
    var scores = array<vec4<f32>, PER_LANE>();
    var d_weights = array<vec4<f32>, PER_LANE>();
    for (var column = 0u; column < params.columns; column += CHUNK) {
//#for N ROW_LOADS
      let row_value_N = k[row_at_N + column];
//#end
//#for N OTHER_LOADS
      let other_value_N = q[other_at_N + column];
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
    for (var column = 0u; column < params.columns; column += CHUNK) {
//#for N ROW_LOADS
      let row_value_N = v[row_at_N + column];
//#end
//#for N OTHER_LOADS
      let other_value_N = d_o[other_at_N + column];
//#end
      workgroupBarrier();
//#for N ROW_LOADS
      if (ROWS_FIT || row_N < ROWS * CHUNK) {
        tile[row_N / CHUNK * STRIDE + row_N % CHUNK] = vec4<f32>(row_value_N);
      }
//#end
//#for N OTHER_LOADS
      if (OTHERS_FIT || other_N < OTHERS * CHUNK) {
        tile[(ROWS + other_N / CHUNK) * STRIDE + other_N % CHUNK] = other_value_N;
      }
//#end
      workgroupBarrier();
      add_dots(&d_weights, thread);
    }

//#for J PER_LANE
    {
      let query = query0 + J * LANES + lane;
      let saved = delta[query_at(min(query, end_query - 1u), kv_head, params.kv_heads)];
      let token = vec4<u32>(query / GROUP);
      let seen = (token >= keys) & (token < min(ends, vec4<u32>(end_token)));
      let score = scores_of(scores[J]);
      let weight = exp(min(score - saved.x, vec4<f32>(0.0)));
      let d_score = weight * (d_weights[J] - saved.y) * slopes_of(score);
      scores[J] = select(vec4<f32>(0.0), weight, seen);
      d_weights[J] = select(vec4<f32>(0.0), d_score, seen);
    }
//#end

    for (var round0 = query0; round0 < min(query0 + OTHERS, end_query); round0 += KEYS) {
//#for P PARTS
      for (var step = 0u; step < STEPS; step++) {
//#for N VALUE_LOADS
        let value_N = thread + N * THREADS;
        let value_query_N = min(round0 + step * STEP + value_N / WIDTH, end_query - 1u);
        let loaded_N =
          d_o[query_at(value_query_N, kv_head, params.kv_heads) * D4 + min(P * WIDTH + value_N % WIDTH, D4 - 1u)];
//#end
        workgroupBarrier();
        if (P == 0u && step == 0u) {
//#for J ROUND
          tile[(J * LANES + lane) * WEIGHTS + row_group] = scores[J];
//#end
        }
//#for N VALUE_LOADS
        if (VALUES_FIT || value_N < STEP * WIDTH) {
          tile[VALUES + value_N] = loaded_N;
        }
//#end
        workgroupBarrier();
        add_values(&v_sums_P, thread, step);
      }
//#end
//#for P PARTS
      for (var step = 0u; step < STEPS; step++) {
//#for N VALUE_LOADS
        let value_N = thread + N * THREADS;
        let value_query_N = min(round0 + step * STEP + value_N / WIDTH, end_query - 1u);
        let loaded_N =
          q[query_at(value_query_N, kv_head, params.kv_heads) * D4 + min(P * WIDTH + value_N % WIDTH, D4 - 1u)];
//#end
        workgroupBarrier();
        if (P == 0u && step == 0u) {
//#for J ROUND
          tile[(J * LANES + lane) * WEIGHTS + row_group] = d_weights[J];
//#end
        }
//#for N VALUE_LOADS
        if (VALUES_FIT || value_N < STEP * WIDTH) {
          tile[VALUES + value_N] = vec4<f32>(loaded_N);
        }
//#end
        workgroupBarrier();
        add_values(&k_sums_P, thread, step);
      }
//#end
//#for J PER_LANE
      scores[J] = scores[min(J + ROUND, PER_LANE - 1u)];
      d_weights[J] = d_weights[min(J + ROUND, PER_LANE - 1u)];
//#end
    }
  }

//#for R 4
  if (keys[R] < end_key) {
    let at = (keys[R] * params.kv_heads + kv_head) * D4;
//#for P PARTS
//#for C COLUMNS
    {
      let column = P * WIDTH + C * LANES + lane;
      if (column < D4) {
        d_k[at + column] = k_sums_P[4u * C + R];
        d_v[at + column] = v_sums_P[4u * C + R];
      }
    }
//#end
//#end
  }
//#end
}
