// The gradients of q, k, β and g of each chunk and head (lib/delta_rule.wgsl), given that of the outputs, do, of the state
// after the chunk, dS′, and r = d(β (v − a Sᵀ k)). With E_ij = (do_i · V_j) D_ij, and F_ij = −(r_i · V_j) D_ij for j < i:
//   dq_i = a_i S do_i + Σ_j E_ij k_j
//   z_i = Σ_j F_ij k_j − a_i S r_i
//   dk_j = b_j dS′ V_j + Σ_i (E_ij q_i + F_ij β_i k_i) + β_j z_j
//   dβ_i = r_i · v_i + k_i · z_i
//   dg_l = Σ_{i ≥ l} (q_i · dq_i − k_i · dk_i + 2 β_i k_i · z_i) + dS′ · S′, over the tokens of l's segment,
// where S′ is the state after the chunk, and its term is of the segment of the chunk's last token. E_ii, which does not
// decay, is left out of the sum over i: it cancels, but for rounding.
// gradients holds do, and from `second` on r; d_keys dq, from `of_k` on dk, and from `of_z` on z. dβ and dg go to gates.
// One workgroup per chunk and head; a thread computes a column of ROWS tokens at a time.
//#include lib/grid.wgsl
//#include lib/reduce.wgsl
//#include lib/delta_rule.wgsl
//#include lib/delta_rule_pairs.wgsl

struct Params {
//#include lib/delta_rule_sizes.wgsl
  second: u32,
  of_k: u32,
  of_z: u32,
}

@group(0) @binding(0) var<storage, read> qkv: array<f32>;
@group(0) @binding(1) var<storage, read_write> gates: array<f32>;
@group(0) @binding(2) var<storage, read> segment_start: array<u32>;
@group(0) @binding(3) var<storage, read> added: array<f32>;
@group(0) @binding(4) var<storage, read> gradients: array<f32>;
@group(0) @binding(5) var<storage, read> states: array<f32>;
@group(0) @binding(6) var<storage, read> d_states: array<f32>;
@group(0) @binding(7) var<storage, read_write> d_keys: array<f32>;
@group(0) @binding(8) var<uniform> params: Params;

const ROWS: u32 = 4; // tokens of a thread

// E for j < i, and for j = i; F is in `products`.
var<workgroup> e: array<f32, CHUNK * CHUNK>;
var<workgroup> diagonal: array<f32, CHUNK>;
// Threads that share a token, for sums over its columns.
const LANES: u32 = WG / CHUNK;
var<workgroup> of_beta: array<f32, WG>;
var<workgroup> of_decay: array<f32, WG>;
var<workgroup> token_decay: array<f32, CHUNK>;

// Products of rows of gradients, which begin at `part`, with those of V; ends with a barrier.
fn multiply_gradients(part: u32, first: u32, head: u32, thread: u32) {
  let count = tokens_of(first);
  clear_products(count, thread);
  for (var c = 0u; c < params.value_dim; c += TILE) {
    workgroupBarrier();
    for (var at = thread; at < CHUNK * TILE; at += WG) {
      let column = c + at % TILE;
      left[at] = 0.0;
      right[at] = 0.0;
      if (at / TILE < count && column < params.value_dim) {
        let from_row = value_row(first + at / TILE, head) + column;
        left[at] = gradients[part + from_row];
        right[at] = added[from_row];
      }
    }
    workgroupBarrier();
    add_products(count, thread);
  }
  decay_products(count, thread);
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let job = flat_group(group, groups);
  if (job >= params.chunks * params.value_heads) {
    return;
  }
  let head = job % params.value_heads;
  let chunk = job / params.value_heads;
  let first = chunk * CHUNK;
  let count = tokens_of(first);
  let state = state_of(chunk, head);
  load_chunk(first, head, thread);
  multiply_gradients(0u, first, head, thread);
  for (var pair = thread; pair < count * CHUNK; pair += WG) {
    let own = pair / CHUNK == pair % CHUNK;
    e[pair] = select(products[pair], 0.0, own);
    if (own) {
      diagonal[pair / CHUNK] = products[pair];
    }
  }
  multiply_gradients(params.second, first, head, thread);
  for (var pair = thread; pair < count * CHUNK; pair += WG) {
    products[pair] = select(0.0, -products[pair], pair % CHUNK < pair / CHUNK);
  }
  workgroupBarrier();
  for (var at = thread; at < CHUNK / ROWS * params.key_dim; at += WG) {
    let i = at / params.key_dim * ROWS;
    let d = at % params.key_dim;
//#for I ROWS
    let t_I = min(first + i + I, params.rows - 1u);
    let row_I = value_row(t_I, head);
    var dq_I = 0.0;
    var z_I = 0.0;
    var dk_I = 0.0;
//#end
    let row = state + d * params.value_dim;
    for (var c = 0u; c < params.value_dim; c++) {
      let s = states[row + c];
      let ds = d_states[row + c];
//#for I ROWS
      dq_I += gradients[row_I + c] * s;
      z_I -= gradients[params.second + row_I + c] * s;
      dk_I += added[row_I + c] * ds;
//#end
    }
//#for I ROWS
    dq_I *= from_state[i + I];
    z_I *= from_state[i + I];
    dk_I *= to_state[i + I];
//#end
    let keys = k_of(first, head) + d;
    let queries = q_of(first, head) + d;
    for (var j = 0u; j < count; j++) {
      let k = qkv[keys + j * row_width()];
      let q = qkv[queries + j * row_width()];
//#for I ROWS
      dq_I += e[(i + I) * CHUNK + j] * k;
      z_I += products[(i + I) * CHUNK + j] * k;
      dk_I += e[j * CHUNK + i + I] * q + products[j * CHUNK + i + I] * beta[j] * k;
//#end
    }
//#for I ROWS
    if (i + I < count) {
      let row = key_row(t_I, head) + d;
      d_keys[row] = dq_I;
      d_keys[params.of_z + row] = z_I;
      d_keys[params.of_k + row] = dk_I;
    }
//#end
  }
  storageBarrier();
  workgroupBarrier();
  var kept = 0.0;
  if (chunk + 1u < params.chunks) {
    let after = state_of(chunk + 1u, head);
    for (var at = thread; at < params.key_dim * params.value_dim; at += WG) {
      kept += d_states[state + at] * states[after + at];
    }
  }
  kept = workgroup_sum(kept, thread);
  let i = thread / LANES;
  var beta_sum = 0.0;
  var decay_sum = 0.0;
  if (i < count) {
    let t = first + i;
    let row = key_row(t, head);
    for (var d = thread % LANES; d < params.key_dim; d += LANES) {
      let q = qkv[q_of(t, head) + d];
      let k = qkv[k_of(t, head) + d];
      let z = d_keys[params.of_z + row + d];
      let dq = d_keys[row + d];
      let dk = d_keys[params.of_k + row + d];
      beta_sum += k * z;
      decay_sum += q * dq - k * (dk - beta[i] * z);
      d_keys[row + d] = dq + diagonal[i] * k;
      d_keys[params.of_k + row + d] = dk + diagonal[i] * q + beta[i] * z;
    }
    for (var c = thread % LANES; c < params.value_dim; c += LANES) {
      beta_sum += gradients[params.second + value_row(t, head) + c] * qkv[v_of(t, head) + c];
    }
  }
  of_beta[thread] = beta_sum;
  of_decay[thread] = decay_sum;
  workgroupBarrier();
  for (var l = thread; l < count; l += WG) {
    var sum = 0.0;
    for (var lane = 0u; lane < LANES; lane++) {
      sum += of_beta[l * LANES + lane];
    }
    gates[(5u * (first + l) + 3u) * params.value_heads + head] = sum;
    sum = 0.0;
    for (var lane = 0u; lane < LANES; lane++) {
      sum += of_decay[l * LANES + lane];
    }
    token_decay[l] = sum;
  }
  workgroupBarrier();
  for (var l = thread; l < count; l += WG) {
    var sum = select(0.0, kept, l >= segment[count - 1u]);
    for (var other = l; other < count; other++) {
      sum += select(0.0, token_decay[other], segment[other] == segment[l]);
    }
    // Before the first token of a segment there is nothing that could decay.
    let begins = segment_start[first + l] == first + l;
    gates[(5u * (first + l) + 4u) * params.value_heads + head] = select(sum, 0.0, begins);
  }
}
