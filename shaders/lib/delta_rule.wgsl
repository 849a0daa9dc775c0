// Shared by the kernels of the gated delta rule (Yang et al., 2024). For each value head, with its q, k, v of a token,
// g ≤ 0 and β:
//   S ← e^g S,  S ← S + k (β (v − Sᵀ k))ᵀ,  o = Sᵀ q          S [DK, DV], zero before a segment
// Tokens are taken in chunks of CHUNK, numbered within one by i and j. With masks for what lies before i's segment,
//   D_ij = exp(Σ g from j + 1 to i), a_i = exp(Σ g up to i) if i's segment began before the chunk, else 0,
//   b_j = exp(Σ g from j + 1 to the last) if j is in the segment of the chunk's last token, else 0,
//   A_ij = β_i (k_i · k_j) D_ij for j < i, and S the state before the chunk,
// what the chunk adds and reads is
//   (1 + A) V = β (v − a Sᵀ k),  o_i = a_i Sᵀ q_i + Σ_{j ≤ i} (q_i · k_j) D_ij V_j,  S′ = a_last S + Σ b_j k_j V_jᵀ
// Sums of g are taken as such rather than as differences, which would cancel.
//
// qkv [T, 2 key heads · DK + value heads · DV] f32 holds q and k normalized, then v; gates [T, 5, value heads] f32 β, g,
// dg/da, and the gradients of β and g; segment_start [T] u32. Consecutive value heads share a key head. What the kernels keep of tokens
// is [T, value heads, DK] or [T, value heads, DV] f32. DK and DV are no constants: compilers for processors would unroll
// all loops over them, for each model anew.
//#include lib/exp.wgsl
const CHUNK: u32 = 32;

var<workgroup> beta: array<f32, CHUNK>;
var<workgroup> log_decay: array<f32, CHUNK>;
// The first token of the chunk that is in a token's segment.
var<workgroup> segment: array<u32, CHUNK>;
// a and b of each token.
var<workgroup> from_state: array<f32, CHUNK>;
var<workgroup> to_state: array<f32, CHUNK>;

fn tokens_of(first: u32) -> u32 {
  return min(CHUNK, params.rows - first);
}

// Loads what the tokens from `first` on need of one head; ends with a barrier.
fn load_chunk(first: u32, head: u32, thread: u32) {
  let count = tokens_of(first);
  workgroupBarrier();
  for (var i = thread; i < CHUNK; i += WG) {
    let at = 5u * (first + i) * params.value_heads + head;
    beta[i] = 0.0;
    log_decay[i] = 0.0;
    segment[i] = i;
    if (i < count) {
      beta[i] = gates[at];
      log_decay[i] = gates[at + params.value_heads];
      segment[i] = max(segment_start[first + i], first) - first;
    }
  }
  workgroupBarrier();
  for (var i = thread; i < CHUNK; i += WG) {
    var before = 0.0;
    for (var l = 0u; l <= i; l++) {
      before += log_decay[l];
    }
    var after = 0.0;
    for (var l = i + 1u; l < count; l++) {
      after += log_decay[l];
    }
    let goes_on = i < count && continues(first, i);
    from_state[i] = select(0.0, exp_of(before), goes_on);
    to_state[i] = select(0.0, exp_of(after), i < count && i >= segment[count - 1u]);
  }
  workgroupBarrier();
}

// Whether a token's segment began before the chunk, or before token 0 if there was a state.
fn continues(first: u32, i: u32) -> bool {
  let start = segment_start[first + i];
//#if PAST
  return start < first || (first == 0u && start == 0u && params.known != 0u);
//#else
  return start < first;
//#endif
}

fn key_head(head: u32) -> u32 {
  return head / (params.value_heads / params.key_heads);
}

fn row_width() -> u32 {
  return 2u * params.key_heads * params.key_dim + params.value_heads * params.value_dim;
}

fn q_of(t: u32, head: u32) -> u32 {
  return t * row_width() + key_head(head) * params.key_dim;
}

fn k_of(t: u32, head: u32) -> u32 {
  return t * row_width() + (params.key_heads + key_head(head)) * params.key_dim;
}

fn v_of(t: u32, head: u32) -> u32 {
  return t * row_width() + 2u * params.key_heads * params.key_dim + head * params.value_dim;
}

// Of token t in what is kept of keys, and of values.
fn key_row(t: u32, head: u32) -> u32 {
  return (t * params.value_heads + head) * params.key_dim;
}

fn value_row(t: u32, head: u32) -> u32 {
  return (t * params.value_heads + head) * params.value_dim;
}

fn state_of(chunk: u32, head: u32) -> u32 {
  return (chunk * params.value_heads + head) * params.key_dim * params.value_dim;
}
