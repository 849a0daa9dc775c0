// attention_backward_q.wgsl in the form of lib/attention_subgroup.wgsl: the same tensors and results, with the grid of
// attention_subgroup.wgsl.
//#include lib/grid.wgsl
//#include lib/attention_subgroup.wgsl
//#include lib/attention_backward_q.wgsl

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
  let first_token = first_row / GROUP;
  let first_key = max(segment_start[first_token], first_in_window(first_token, params.window));
  let end_key = (min(first_row + OWNED, queries) - 1u) / GROUP + 1u;

  // Rows past the end compute the last row and store nothing.
  var lowest: array<u32, ROWS>;
  var highest: array<u32, ROWS>;
  var saved: array<vec2<f32>, ROWS>;
  var loaded_q: array<vec4<f32>, ROWS * D4>;
  var loaded_g: array<vec4<f32>, ROWS * D4>;
//#for R ROWS
  {
    let row = min(first_row + R * SUBGROUP + lane, queries - 1u);
    let at = query_at(row, kv_head, params.kv_heads);
    lowest[R] = max(segment_start[row / GROUP], first_in_window(row / GROUP, params.window));
    highest[R] = row / GROUP;
    saved[R] = delta[at];
    for (var c = 0u; c < params.columns; c++) {
      loaded_q[R * D4 + c] = vec4<f32>(q[at * D4 + c]);
      loaded_g[R * D4 + c] = d_o[at * D4 + c];
    }
  }
//#end
  var rows_q: array<vec4<f32>, ROWS * D4>;
  var rows_g: array<vec4<f32>, ROWS * D4>;
  var sums: array<vec4<f32>, ROWS * D4>;
//#for I ROWS * D4
  rows_q[I] = loaded_q[I];
  rows_g[I] = loaded_g[I];
//#end

  for (var key = first_key; key < end_key; key++) {
    let at = (key * params.kv_heads + kv_head) * D4;
    var held_k: array<vec4<f32>, HELD>;
    var held_v: array<vec4<f32>, HELD>;
//#for H HELD
    held_k[H] = vec4<f32>(k[at + min(H * SUBGROUP + lane, D4 - 1u)]);
    held_v[H] = vec4<f32>(v[at + min(H * SUBGROUP + lane, D4 - 1u)]);
//#end
    var scores: array<f32, ROWS>;
    var d_weights: array<f32, ROWS>;
    {
//#for C D4
      let k_C = subgroupBroadcast(held_k[C / SUBGROUP], C % SUBGROUP);
//#end
//#for R ROWS
      scores[R] = total(vec4<f32>(0.0)
//#for C D4
        + rows_q[R * D4 + C] * k_C
//#end
      );
//#end
    }
    {
//#for C D4
      let v_C = subgroupBroadcast(held_v[C / SUBGROUP], C % SUBGROUP);
//#end
//#for R ROWS
      d_weights[R] = total(vec4<f32>(0.0)
//#for C D4
        + rows_g[R * D4 + C] * v_C
//#end
      );
//#end
    }
    var d_scores: array<f32, ROWS>;
//#for R ROWS
    {
      let score = score_of(scores[R]);
      let weight = exp(min(score - saved[R].x, 0.0));
      let d_score = weight * (d_weights[R] - saved[R].y) * slope_of(score);
      d_scores[R] = select(0.0, d_score, key >= lowest[R] && key <= highest[R]);
    }
//#end
//#for C D4
    {
      let of_k = subgroupBroadcast(held_k[C / SUBGROUP], C % SUBGROUP);
//#for R ROWS
      sums[R * D4 + C] = fma(vec4<f32>(d_scores[R]), of_k, sums[R * D4 + C]);
//#end
    }
//#end
  }

  var made: array<vec4<f32>, ROWS * D4>;
//#for I ROWS * D4
  made[I] = sums[I];
//#end
//#for R ROWS
  {
    let row = first_row + R * SUBGROUP + lane;
    if (row < queries) {
      let at = query_at(row, kv_head, params.kv_heads) * D4;
      for (var c = 0u; c < params.columns; c++) {
        d_q[at + c] = made[R * D4 + c];
      }
    }
  }
//#end
}
