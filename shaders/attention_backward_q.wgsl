// dq of causal grouped-query attention, from probabilities recomputed with the saved log-sum-exp:
//   p = exp(scale · q·k − lse),  ds = p · (dO·v − delta),  dq[t,h,:] = scale · Σ_s ds[t,s] k[s,:]
// q [T, H, D] E; k, v [T, Hkv, D] E; d_o, d_q [T, H, D] f32; delta [T, H, 2] f32 = (lse, delta). Grid and visible keys
// as in attention.wgsl.
//#include lib/grid.wgsl
//#include lib/attention.wgsl
//#include lib/attention_backward_q.wgsl

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

  // Rows past the end compute the last one and store nothing.
  var lowest: vec4<u32>;
  var highest: vec4<u32>;
  var row_lse: vec4<f32>;
  var row_delta: vec4<f32>;
//#for R 4
  {
    let row = min(first_row + 4u * row_group + R, queries - 1u);
    let token = row / GROUP;
    lowest[R] = max(segment_start[token], first_in_window(token, params.window));
    highest[R] = token;
    let saved = delta[query_at(row, kv_head, params.kv_heads)];
    row_lse[R] = saved.x;
    row_delta[R] = saved.y;
  }
//#end
  let first_token = first_row / GROUP;
  let first_key = max(segment_start[first_token], first_in_window(first_token, params.window));
  let end_key = (min(first_row + ROWS, queries) - 1u) / GROUP + 1u;

//#for N ROW_LOADS
  let row_N = thread + N * THREADS;
  let row_at_N =
    query_at(min(first_row + row_N / CHUNK, queries - 1u), kv_head, params.kv_heads) * D4 + row_N % CHUNK;
//#end
//#for P PARTS
  var sums_P: array<vec4<f32>, 4u * COLUMNS>;
//#end

  for (var key0 = first_key; key0 < end_key; key0 += OTHERS) {
//#for N OTHER_LOADS
    let other_N = thread + N * THREADS;
    let other_at_N = (min(key0 + other_N / CHUNK, end_key - 1u) * params.kv_heads + kv_head) * D4 + other_N % CHUNK;
//#end
    var scores = array<vec4<f32>, PER_LANE>();
    var d_weights = array<vec4<f32>, PER_LANE>();
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
    for (var column = 0u; column < params.columns; column += CHUNK) {
//#for N ROW_LOADS
      let row_value_N = d_o[row_at_N + column];
//#end
//#for N OTHER_LOADS
      let other_value_N = v[other_at_N + column];
//#end
      workgroupBarrier();
//#for N ROW_LOADS
      if (ROWS_FIT || row_N < ROWS * CHUNK) {
        tile[row_N / CHUNK * STRIDE + row_N % CHUNK] = row_value_N;
      }
//#end
//#for N OTHER_LOADS
      if (OTHERS_FIT || other_N < OTHERS * CHUNK) {
        tile[(ROWS + other_N / CHUNK) * STRIDE + other_N % CHUNK] = vec4<f32>(other_value_N);
      }
//#end
      workgroupBarrier();
      add_dots(&d_weights, thread);
    }

//#for J PER_LANE
    {
      let key = vec4<u32>(key0 + J * LANES + lane);
      let score = scores_of(scores[J]);
      let weight = exp(min(score - row_lse, vec4<f32>(0.0)));
      let d_score = weight * (d_weights[J] - row_delta) * slopes_of(score);
      scores[J] = select(vec4<f32>(0.0), d_score, (key >= lowest) & (key <= highest));
    }
//#end

    for (var round0 = key0; round0 < min(key0 + OTHERS, end_key); round0 += KEYS) {
//#for P PARTS
      for (var step = 0u; step < STEPS; step++) {
//#for N VALUE_LOADS
        let value_N = thread + N * THREADS;
        let value_key_N = min(round0 + step * STEP + value_N / WIDTH, end_key - 1u);
        let loaded_N = k[(value_key_N * params.kv_heads + kv_head) * D4 + min(P * WIDTH + value_N % WIDTH, D4 - 1u)];
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

//#for R 4
  {
    let row = first_row + 4u * row_group + R;
    if (row < queries) {
      let at = query_at(row, kv_head, params.kv_heads) * D4;
//#for P PARTS
//#for C COLUMNS
      {
        let column = P * WIDTH + C * LANES + lane;
        if (column < D4) {
          d_q[at + column] = sums_P[4u * C + R];
        }
      }
//#end
//#end
    }
  }
//#end
}
