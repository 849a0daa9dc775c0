// attention.wgsl in the form of lib/attention_subgroup.wgsl: the same tensors and results. One workgroup per KV head
// and OWNED queries of its group.
//#include lib/grid.wgsl
//#include lib/attention_subgroup.wgsl
//#include lib/attention_forward.wgsl
const KEYS: u32 = 8; // keys scored before they are accumulated

// Sums are rescaled only for a score this far above the running maximum: exp(16) per key cannot overflow f32.
const SLACK: f32 = 16.0;

@compute @workgroup_size(SUBGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let queries = params.rows * GROUP;
  let tiles = (queries + OWNED - 1u) / OWNED;
  let index = flat_group(group, groups);
  let kv_head = index / tiles;
  if (kv_head >= params.kv_heads) {
    return;
  }
  let first_row = index % tiles * OWNED;
  // The keys that any row of the tile sees. Later ones are not loaded: a cache may hold stale values there.
  let first_token = first_row / GROUP;
  let last_token = (min(first_row + OWNED, queries) - 1u) / GROUP;
  let first_key = max(segment_start[first_token], first_in_window(first_token + params.query_offset, params.window));
  let end_key = min(last_token + params.query_offset + 1u, params.keys);

  // Rows past the end compute the last row and store nothing.
  var lowest: array<u32, ROWS>;
  var highest: array<u32, ROWS>;
  var loaded: array<vec4<f32>, ROWS * D4>;
//#for R ROWS
  {
    let row = min(first_row + R * SUBGROUP + lane, queries - 1u);
    let at = query_at(row, kv_head, params.kv_heads) * D4;
    let position = row / GROUP + params.query_offset;
    lowest[R] = max(segment_start[row / GROUP], first_in_window(position, params.window));
    highest[R] = position;
    for (var c = 0u; c < params.columns; c++) {
      loaded[R * D4 + c] = vec4<f32>(q[at + c]);
    }
  }
//#end
  var rows = array<vec4<f32>, ROWS * D4>();
//#for I ROWS * D4
  rows[I] = loaded[I];
//#end

  var peaks: array<f32, ROWS>;
  var weights: array<f32, ROWS>; // their sums
  var sums: array<vec4<f32>, ROWS * D4>;
//#for R ROWS
  peaks[R] = MASKED;
//#end

  for (var key0 = first_key; key0 < end_key; key0 += KEYS) {
    // A queue, so that no loop indexes registers: a key's scores are pushed at the end and taken from the front.
    var scores = array<f32, KEYS * ROWS>();
    for (var key = key0; key < key0 + KEYS; key++) {
//#for I KEYS * ROWS
      scores[I] = scores[min(I + ROWS, KEYS * ROWS - 1u)];
//#end
      let at = (min(key, end_key - 1u) * params.kv_heads + kv_head) * D4;
      var held: array<vec4<f32>, HELD>;
//#for H HELD
      held[H] = vec4<f32>(k[at + min(H * SUBGROUP + lane, D4 - 1u)]);
//#end
//#for C D4
      let other_C = subgroupBroadcast(held[C / SUBGROUP], C % SUBGROUP);
//#end
//#for R ROWS
      {
        let chains = vec4<f32>(0.0)
//#for C D4
          + rows[R * D4 + C] * other_C
//#end
        ;
        scores[(KEYS - 1u) * ROWS + R] =
          select(MASKED, score_of(total(chains)), key >= lowest[R] && key <= highest[R]);
      }
//#end
    }

//#for R ROWS
    {
      var peak = scores[R];
//#for I KEYS
      peak = max(peak, scores[I * ROWS + R]);
//#end
      let raised = select(peaks[R], peak, peak > peaks[R] + SLACK);
      let rescale = exp(peaks[R] - raised);
      peaks[R] = raised;
      weights[R] *= rescale;
//#for C D4
      sums[R * D4 + C] *= rescale;
//#end
//#for I KEYS
      {
        // Exactly zero if masked, so that the contents of those keys cannot change a bit.
        let score = scores[I * ROWS + R];
        scores[I * ROWS + R] = select(0.0, exp(score - raised), score > MASKED);
        weights[R] += scores[I * ROWS + R];
      }
//#end
    }
//#end

    for (var key = key0; key < key0 + KEYS; key++) {
      let at = (min(key, end_key - 1u) * params.kv_heads + kv_head) * D4;
      var held: array<vec4<f32>, HELD>;
//#for H HELD
      held[H] = vec4<f32>(v[at + min(H * SUBGROUP + lane, D4 - 1u)]);
//#end
//#for C D4
      {
        let other = subgroupBroadcast(held[C / SUBGROUP], C % SUBGROUP);
//#for R ROWS
        sums[R * D4 + C] = fma(vec4<f32>(scores[R]), other, sums[R * D4 + C]);
//#end
      }
//#end
//#for I KEYS * ROWS
      scores[I] = scores[min(I + ROWS, KEYS * ROWS - 1u)];
//#end
    }
  }
  var made = array<vec4<f32>, ROWS * D4>();
//#for I ROWS * D4
  made[I] = sums[I];
//#end
//#for R ROWS
  {
    let row = first_row + R * SUBGROUP + lane;
    if (row < queries) {
      let at = query_at(row, kv_head, params.kv_heads);
      lse[at] = peaks[R] + log(weights[R]);
      for (var c = 0u; c < params.columns; c++) {
        store(at * D4 + c, made[R * D4 + c] / weights[R]);
      }
    }
  }
//#end
}
