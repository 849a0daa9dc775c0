import type { Commands } from '../gpu/commands.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { assert } from '../lib/errors.ts';
import { ELEMENTWISE_THREADS as WG, elementGroups } from './elementwise.ts';

/** Settings of one AdamW step, as in torch.optim.AdamW. */
export interface AdamWStep {
  lr: number;
  beta1: number;
  beta2: number;
  eps: number;
  weightDecay: number;
  /** Gradients are scaled by min(1, maxGradNorm / (norm + 1e-6)); 0 for no clipping. */
  maxGradNorm: number;
  /** Number of this step, from 1. */
  step: number;
}

/** What every AdamW kernel needs: the flat buffers, where the norm is, and the settings. */
export interface AdamWOptions extends AdamWStep {
  /** f32, updated. */
  params: Tensor;
  /** f32, of the same layout; a buffer of its own. */
  grads: Tensor;
  /** f32: [normIndex] is read, [skippedIndex] becomes 1 when the step is skipped and 0 otherwise. */
  stats: Tensor;
  normIndex: number;
  skippedIndex: number;
}

/**
 * One AdamW step over a flat buffer, with clipping, entirely on the GPU. When the norm in stats is not finite
 * (or gradients stay so large that v would overflow) nothing but stats[skippedIndex] changes.
 * @param m, v f32 [count], updated
 * @param blocks u32 [count / 256]: which blocks of 256 elements of params and grads m and v belong to; without it
 * all of them, in order
 */
export function adamW(
  commands: Commands,
  options: AdamWOptions & { m: Tensor; v: Tensor; count: number; blocks?: Tensor },
): void {
  const { params: weights, grads, m, v, stats, count, blocks } = options;
  const tensors = { grads, weights, m, v, stats, ...(blocks && { blocks }) };
  const constants = { WG, BLOCKS: blocks !== undefined };
  commands.run('adam_w', constants, tensors, adamWParams(count, options), elementGroups(count));
}

/** The fields of `struct Params` in lib/adam_w.wgsl. */
export function adamWParams(
  count: number,
  options: Omit<AdamWOptions, 'params' | 'grads' | 'stats'>,
): Record<string, number> {
  const { normIndex, skippedIndex, lr, beta1, beta2, eps, weightDecay, maxGradNorm, step } = options;
  assert(step >= 1, `AdamW steps count from 1, got ${step}`);
  // Factors near 1 are formed here in f64: 1 − beta2^step in f32 would lose digits that v needs.
  return {
    count,
    norm_index: normIndex,
    skipped_index: skippedIndex,
    max_grad_norm: maxGradNorm,
    decay: 1 - lr * weightDecay,
    rate1: 1 - beta1,
    beta2,
    rate2: 1 - beta2,
    step_size: lr / (1 - beta1 ** step),
    correction2: Math.sqrt(1 - beta2 ** step),
    eps,
  };
}
