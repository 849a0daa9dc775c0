import type { Commands } from '../gpu/commands.ts';
import { elementsOf, type Tensor } from '../gpu/tensor.ts';
import { assert } from '../../base/lib/errors.ts';
import { attentionKernel, type AttentionChoice, type AttentionKernel } from './attentionForm.ts';
import { flatGroups } from './grid.ts';

interface Shape {
  /** T */
  rows: number;
  /** H, a multiple of Hkv */
  heads: number;
  /** Hkv */
  kvHeads: number;
  /** D, a multiple of 4 */
  headDim: number;
}

interface Visibility {
  /** Each token sees this many preceding keys, itself included; 0 for its whole segment. */
  window: number;
  /** Multiplies q·k; usually D^(−1/2). */
  scale: number;
  /** Limits scores softly: cap · tanh(scale · q·k / cap); 0, the default, does not (Gemma 2). */
  cap?: number;
}

/** Arguments of `attention`. q, k, v and o have the same type, f32 or f16. */
export interface Attention extends Shape, Visibility {
  /** [T, H, D] */
  q: Tensor;
  /** [K, Hkv, D] with K ≥ T + queryOffset */
  k: Tensor;
  /** [K, Hkv, D] */
  v: Tensor;
  /** [T, H, D], overwritten */
  o: Tensor;
  /** [T, H] f32, overwritten: the log-sum-exp of the scores, for the backward pass */
  lse: Tensor;
  /** [T] u32, non-decreasing: the first key of each token's segment */
  segmentStart: Tensor;
  /** Query t is key t + queryOffset: 0 in training, the cache length in decoding. */
  queryOffset: number;
  /** Overrides the choice of `attentionKernel`. */
  choice?: AttentionChoice;
}

/**
 * Causal grouped-query attention over packed segments without an S×S buffer: computes o and the log-sum-exp of the
 * scores (Dao et al., FlashAttention, 2022). Keys that a token does not see cannot change a bit of its result.
 */
export function attention(commands: Commands, tensors: Attention): void {
  const { q, k, v, o, lse, segmentStart, rows, kvHeads, headDim, queryOffset, window, scale } = tensors;
  const group = groupOf(tensors);
  const keys = Math.floor(elementsOf(k) / (kvHeads * headDim));
  assert(keys >= rows + queryOffset, `attention: ${keys} keys for ${rows} queries from ${queryOffset}`);
  const queries = rows * group;
  const { subgroupSize: subgroup, kernelKind } = commands.gpu;
  const shape = { headDim, queries, kvHeads, subgroup, kernelKind };
  const kernel = attentionKernel({ ...shape, pass: 'forward', rows: queries }, tensors.choice);
  commands.run(
    kernel.shader,
    { E: q.type, D4: headDim / 4, GROUP: group, ...capped(tensors), ...kernel.constants },
    { q, k, v, o, lse, segment_start: segmentStart },
    { rows, columns: headDim / 4, keys, kv_heads: kvHeads, query_offset: queryOffset, window, scale },
    gridOf(queries, kvHeads, kernel),
    { flops: 2 * productFlops(tensors, queryOffset) },
  );
}

/** Arguments of `attentionBackward`. q, k, v and o as in `attention`, with K = T and queryOffset 0. */
export interface AttentionBackward extends Shape, Visibility {
  q: Tensor;
  k: Tensor;
  v: Tensor;
  o: Tensor;
  lse: Tensor;
  /** [T, H, D] f32 */
  dO: Tensor;
  /** [T, H, 2] f32, scratch */
  delta: Tensor;
  /** [T, H, D] f32, overwritten */
  dQ: Tensor;
  /** [T, Hkv, D] f32, overwritten */
  dK: Tensor;
  /** [T, Hkv, D] f32, overwritten */
  dV: Tensor;
  /** [T] u32, non-decreasing: the first token of each token's segment */
  segmentStart: Tensor;
  /** [T] u32, non-decreasing: one past the last token of each token's segment */
  segmentEnd: Tensor;
  /** Overrides the choice of `attentionKernel`. */
  choice?: AttentionChoice;
}

/**
 * The gradients of `attention` for q, k and v, from probabilities recomputed with the saved log-sum-exp. Three
 * dispatches without atomics: dO·o per query, dQ by tiles of queries, dK and dV by tiles of keys.
 */
export function attentionBackward(commands: Commands, tensors: AttentionBackward): void {
  const { q, k, v, o, lse, dO, delta, dQ, dK, dV, segmentStart, segmentEnd, rows, heads, kvHeads, headDim } =
    tensors;
  const { window, scale } = tensors;
  const group = groupOf(tensors);
  assert(
    elementsOf(delta) >= 2 * rows * heads,
    `attentionBackward: delta must hold two numbers for each head of ${rows} rows`,
  );
  const constants = { E: q.type, D4: headDim / 4, GROUP: group, ...capped(tensors) };
  const params = { rows, columns: headDim / 4, kv_heads: kvHeads, window, scale };

  const dotRows = 8;
  commands.run(
    'attention_backward_dot',
    { E: o.type, D4: headDim / 4, ROWS: dotRows },
    { d_o: dO, o, lse, delta },
    { rows: rows * heads },
    flatGroups(Math.ceil((rows * heads) / dotRows)),
    { flops: 2 * rows * heads * headDim },
  );

  // Of the five products needed, dQ counts the scores and the weights' gradients, which dK and dV recompute.
  const product = productFlops(tensors, 0);
  const queries = rows * group;
  const { subgroupSize: subgroup, kernelKind } = commands.gpu;
  const shape = { headDim, queries, kvHeads, subgroup, kernelKind };
  const ofQueries = attentionKernel({ ...shape, pass: 'backwardQ', rows: queries }, tensors.choice);
  commands.run(
    ofQueries.shader,
    { ...constants, ...ofQueries.constants },
    { q, k, v, d_o: dO, delta, segment_start: segmentStart, d_q: dQ },
    params,
    gridOf(queries, kvHeads, ofQueries),
    { flops: 3 * product },
  );

  const ofKeys = attentionKernel({ ...shape, pass: 'backwardKv', rows }, tensors.choice);
  commands.run(
    ofKeys.shader,
    { ...constants, ...ofKeys.constants },
    { q, k, v, d_o: dO, delta, segment_end: segmentEnd, d_k: dK, d_v: dV },
    params,
    gridOf(rows, kvHeads, ofKeys),
    { flops: 2 * product },
  );
}

function capped({ cap = 0 }: Visibility): { CAPPED?: true; CAP?: number } {
  return cap > 0 ? { CAPPED: true, CAP: cap } : {};
}

function groupOf({ heads, kvHeads, headDim }: Shape): number {
  assert(headDim % 4 === 0, `attention: heads of ${headDim} are not whole vec4s`);
  assert(heads % kvHeads === 0, `attention: ${heads} heads do not share ${kvHeads} KV heads evenly`);
  return heads / kvHeads;
}

/** FLOPs of one product over all visible query-key pairs, assuming all rows are one segment. */
function productFlops({ rows, heads, headDim, window }: Shape & Visibility, queryOffset: number): number {
  const seen = window > 0 ? window : Infinity;
  // Query t sees min(seen, t + queryOffset + 1) keys; the first `growing` of them see less than a full window.
  const growing = Math.min(rows, Math.max(0, seen - queryOffset - 1));
  const pairs =
    growing * queryOffset + (growing * (growing + 1)) / 2 + (rows > growing ? (rows - growing) * seen : 0);
  return 2 * heads * headDim * pairs;
}

/** One workgroup per tile of rows of each KV head. */
function gridOf(rows: number, kvHeads: number, { owned }: AttentionKernel): [number, number] {
  return flatGroups(Math.ceil(rows / owned) * kvHeads);
}
