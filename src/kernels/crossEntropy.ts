import type { Commands } from '../gpu/commands.ts';
import { elementsOf, type Tensor } from '../gpu/tensor.ts';
import { assert } from '../lib/errors.ts';
import { flatGroups } from './grid.ts';
import { isNarrow } from './narrow.ts';

/** Logits of a chunk of rows for some columns of the vocabulary. */
export interface LogitColumns {
  /** [rows, stride] f32; the first `width` ≤ stride of every row count. */
  logits: Tensor;
  /** [rows] u32, each below the size of the vocabulary. */
  targets: Tensor;
  /** [rows] f32: what the loss of each counts; without them each counts 1. */
  weights?: Tensor | null;
  /** [R, 4] f32: what is known of whole rows. */
  state: Tensor;
  rows: number;
  /** Columns first … first + width − 1 of the vocabulary. */
  first: number;
  width: number;
  /** Of the first row in `state` (and `losses`). */
  offset: number;
  /** Of a workgroup, a power of two, in place of what suits the adapter. */
  threads?: number;
}

/** Numbers of `state` a row: the largest logit, Σ exp(logit − largest), the target's logit, nothing. */
export const LOSS_STATE = 4;

/**
 * Adds columns of the logits to what is known of their rows, after all columns before them; after the last, losses
 * [R] f32 are those of cross-entropy, lse(logits) − logits[target], times their weights.
 * @param part columns that are summed at once: the bits depend on it, not on which columns come together. `first` is a
 *   multiple of it
 * @param gradientScale for columns that are all there are: makes the gradient as well, as `crossEntropyBackward` of that
 *   scale does and in the same bits, in one dispatch
 */
export function logSumExp(
  commands: Commands,
  {
    threads = threadsOf(commands),
    part,
    losses,
    gradientScale,
    ...columns
  }: LogitColumns & { losses: Tensor; part: number; gradientScale?: number },
): void {
  const { rows, first, width, offset } = columns;
  const stride = strideOf(columns);
  assert(first % part === 0, `columns from ${first} on, in parts of ${part}`);
  assert(offset + rows <= elementsOf(losses), `losses ${offset}…${offset + rows} leave their tensor`);
  const gradient = gradientScale !== undefined;
  assert(!gradient || first === 0, `the gradient of columns from ${first} on needs those before`);
  const params = { rows, first, width, part, stride, offset, ...(gradient && { scale: gradientScale }) };
  const constants = { WG: threads, GRADIENT: gradient, ...weighted(columns) };
  commands.run('log_sum_exp', constants, { ...tensorsOf(columns), losses }, params, flatGroups(rows));
}

/**
 * The gradient of the losses, over the logits: (softmax − onehot) · weight · scale. Every column must have passed `logSumExp`.
 * @param scale 1 / (target tokens of the whole optimizer step)
 */
export function crossEntropyBackward(
  commands: Commands,
  { threads = threadsOf(commands), scale, ...columns }: LogitColumns & { scale: number },
): void {
  const { rows, first, width, offset } = columns;
  const params = { rows, first, width, stride: strideOf(columns), offset, scale };
  const constants = { WG: threads, ...weighted(columns) };
  commands.run('cross_entropy_backward', constants, tensorsOf(columns), params, flatGroups(rows));
}

/** Without weights the shaders have nothing of them. */
function weighted({ weights }: LogitColumns): { WEIGHTED?: true } {
  return weights ? { WEIGHTED: true } : {};
}

function tensorsOf({ logits, targets, state, weights }: LogitColumns): Record<string, Tensor> {
  return { logits, targets, state, ...(weights && { weights }) };
}

/** Few where every thread of a reduction adds to its time: a row of 512 took an eighth with 32 of 256 on SwiftShader. */
function threadsOf({ gpu }: Commands): number {
  return isNarrow(gpu.subgroupSize) ? 32 : 256;
}

function strideOf({ logits, state, width, rows, offset }: LogitColumns): number {
  const stride = logits.shape.at(-1) ?? width;
  assert(width <= stride, `cross-entropy over ${width} logits in rows of ${stride}`);
  assert((offset + rows) * LOSS_STATE <= elementsOf(state), `rows ${offset}…${offset + rows} have no state`);
  return stride;
}
