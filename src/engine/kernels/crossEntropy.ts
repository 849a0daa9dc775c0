import type { Commands } from '../gpu/commands.ts';
import { elementsOf, type Tensor } from '../gpu/tensor.ts';
import { assert } from '../../base/lib/errors.ts';
import { flatGroups } from './grid.ts';
import { logitConstants, plainLogits, type LogitForm } from './logits.ts';
import { reductionOf } from './reduction.ts';

/** Logits of a chunk of rows for a range of vocabulary columns. */
export interface LogitColumns {
  /** [rows, stride] f32, the head's products, of which `form` makes logits; the first `width` ≤ stride are used. */
  logits: Tensor;
  /** By default logits are the products. */
  form?: LogitForm;
  /** [rows] u32, each below the vocabulary size. */
  targets: Tensor;
  /** [rows] f32, the weight of each row's loss; 1 by default. */
  weights?: Tensor | null;
  /** [R, 4] f32: running state of whole rows. */
  state: Tensor;
  rows: number;
  /** The logits are of columns first … first + width − 1 of the vocabulary. */
  first: number;
  width: number;
  /** Row of `state` (and `losses`) of the first row. */
  offset: number;
  /** Threads per workgroup, a power of two; by default what suits the adapter. */
  threads?: number;
}

/** Elements of `state` per row: largest logit, Σ exp(logit − largest), the target's logit, unused. */
export const LOSS_STATE = 4;

/**
 * Folds a range of logit columns into the state of their rows; call it for consecutive ranges. After the last, writes
 * losses [R] f32: the cross-entropy lse(logits) − logits[target], times the weights.
 * @param part number of columns reduced at a time, of which `first` is a multiple: the bits of the result depend on it,
 *   but not on how columns are divided between calls
 * @param gradientScale if the range is the whole vocabulary: also computes the gradient in the same dispatch, with the
 *   same bits as `crossEntropyBackward` of that scale
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
  const constants = {
    ...reductionOf(commands.gpu, threads, 'maxima'),
    GRADIENT: gradient,
    ...weighted(columns),
    ...formOf(columns),
  };
  commands.run('log_sum_exp', constants, { ...tensorsOf(columns), losses }, params, flatGroups(rows));
}

/**
 * The gradient of the losses with respect to the head's products, in place: (softmax − onehot) · weight · scale times the
 * derivative of the logits. Every column must have passed through `logSumExp`.
 * @param scale 1 / (target tokens of the whole optimizer step)
 */
export function crossEntropyBackward(
  commands: Commands,
  { threads = threadsOf(commands), scale, ...columns }: LogitColumns & { scale: number },
): void {
  const { rows, first, width, offset } = columns;
  const params = { rows, first, width, stride: strideOf(columns), offset, scale };
  const constants = { WG: threads, ...weighted(columns), ...formOf(columns) };
  commands.run('cross_entropy_backward', constants, tensorsOf(columns), params, flatGroups(rows));
}

function formOf({ form = plainLogits }: LogitColumns) {
  return logitConstants(form);
}

/** Without weights, the shaders omit them. */
function weighted({ weights }: LogitColumns): { WEIGHTED?: true } {
  return weights ? { WEIGHTED: true } : {};
}

function tensorsOf({ logits, targets, state, weights }: LogitColumns): Record<string, Tensor> {
  return { logits, targets, state, ...(weights && { weights }) };
}

/**
 * Few where each thread adds to a reduction's time: on SwiftShader, a row of 512 took an eighth with 32 instead of 256.
 */
function threadsOf({ gpu }: Commands): number {
  return gpu.kernelKind === 'vectors' ? 32 : 256;
}

function strideOf({ logits, state, width, rows, offset }: LogitColumns): number {
  const stride = logits.shape.at(-1) ?? width;
  assert(width <= stride, `cross-entropy over ${width} logits in rows of ${stride}`);
  assert((offset + rows) * LOSS_STATE <= elementsOf(state), `rows ${offset}…${offset + rows} have no state`);
  return stride;
}
