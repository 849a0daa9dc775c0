// attention_backward_kv.wgsl in the form of lib/attention_subgroup.wgsl: the same tensors and results. One workgroup
// per KV head and OWNED keys; it iterates over the group's queries.
//#include lib/grid.wgsl
//#include lib/attention_subgroup.wgsl
//#include lib/attention_backward_kv.wgsl

// One past the last token that sees `key`.
fn end_of(key: u32) -> u32 {
  let end = min(segment_end[key], params.rows);
  return select(end, min(end, key + params.window), params.window > 0u);
}

@compute @workgroup_size(SUBGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let tiles = (params.rows + OWNED - 1u) / OWNED;
  let index = flat_group(group, groups);
  let kv_head = index / tiles;
  if (kv_head >= params.kv_heads) {
    return;
  }
  let first_key = index % tiles * OWNED;
  let end_query = end_of(min(first_key + OWNED, params.rows) - 1u) * GROUP;

  // Keys past the end compute the last key and store nothing.
  var keys: array<u32, ROWS>;
  var ends: array<u32, ROWS>;
  var loaded_k: array<vec4<f32>, ROWS * D4>;
  var loaded_v: array<vec4<f32>, ROWS * D4>;
//#for R ROWS
  {
    let key = min(first_key + R * SUBGROUP + lane, params.rows - 1u);
    let at = (key * params.kv_heads + kv_head) * D4;
    keys[R] = key;
    ends[R] = end_of(key);
    for (var c = 0u; c < params.columns; c++) {
      loaded_k[R * D4 + c] = vec4<f32>(k[at + c]);
      loaded_v[R * D4 + c] = vec4<f32>(v[at + c]);
    }
  }
//#end
  var rows_k: array<vec4<f32>, ROWS * D4>;
  var rows_v: array<vec4<f32>, ROWS * D4>;
  var k_sums: array<vec4<f32>, ROWS * D4>;
  var v_sums: array<vec4<f32>, ROWS * D4>;
//#for I ROWS * D4
  rows_k[I] = loaded_k[I];
  rows_v[I] = loaded_v[I];
//#end

  for (var query = first_key * GROUP; query < end_query; query++) {
    let at = query_at(query, kv_head, params.kv_heads);
    let saved = delta[at];
    var held_q: array<vec4<f32>, HELD>;
    var held_g: array<vec4<f32>, HELD>;
//#for H HELD
    held_q[H] = vec4<f32>(q[at * D4 + min(H * SUBGROUP + lane, D4 - 1u)]);
    held_g[H] = d_o[at * D4 + min(H * SUBGROUP + lane, D4 - 1u)];
//#end
    var scores: array<f32, ROWS>;
    var d_weights: array<f32, ROWS>;
    {
//#for C D4
      let q_C = subgroupBroadcast(held_q[C / SUBGROUP], C % SUBGROUP);
//#end
//#for R ROWS
      scores[R] = total(vec4<f32>(0.0)
//#for C D4
        + rows_k[R * D4 + C] * q_C
//#end
      );
//#end
    }
    {
//#for C D4
      let g_C = subgroupBroadcast(held_g[C / SUBGROUP], C % SUBGROUP);
//#end
//#for R ROWS
      d_weights[R] = total(vec4<f32>(0.0)
//#for C D4
        + rows_v[R * D4 + C] * g_C
//#end
      );
//#end
    }
    var weights: array<f32, ROWS>;
    var d_scores: array<f32, ROWS>;
//#for R ROWS
    {
      let seen = query / GROUP >= keys[R] && query / GROUP < ends[R];
      let score = score_of(scores[R]);
      let weight = exp(min(score - saved.x, 0.0));
      weights[R] = select(0.0, weight, seen);
      d_scores[R] = select(0.0, weight * (d_weights[R] - saved.y) * slope_of(score), seen);
    }
//#end
//#for C D4
    {
      let of_g = subgroupBroadcast(held_g[C / SUBGROUP], C % SUBGROUP);
//#for R ROWS
      v_sums[R * D4 + C] = fma(vec4<f32>(weights[R]), of_g, v_sums[R * D4 + C]);
//#end
    }
//#end
//#for C D4
    {
      let of_q = subgroupBroadcast(held_q[C / SUBGROUP], C % SUBGROUP);
//#for R ROWS
      k_sums[R * D4 + C] = fma(vec4<f32>(d_scores[R]), of_q, k_sums[R * D4 + C]);
//#end
    }
//#end
  }

  var made_k: array<vec4<f32>, ROWS * D4>;
  var made_v: array<vec4<f32>, ROWS * D4>;
//#for I ROWS * D4
  made_k[I] = k_sums[I];
  made_v[I] = v_sums[I];
//#end
//#for R ROWS
  {
    let key = first_key + R * SUBGROUP + lane;
    if (key < params.rows) {
      let at = (key * params.kv_heads + kv_head) * D4;
      for (var c = 0u; c < params.columns; c++) {
        d_k[at + c] = made_k[R * D4 + c];
        d_v[at + c] = made_v[R * D4 + c];
      }
    }
  }
//#end
}
