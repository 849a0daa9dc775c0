import type { Commands } from '../gpu/commands.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { assert } from '../../base/lib/errors.ts';
import { ELEMENTWISE_THREADS as WG, elementGroups } from './elementwise.ts';

/** Hyperparameters of one AdamW step, as in torch.optim.AdamW. */
export interface AdamWStep {
  lr: number;
  beta1: number;
  beta2: number;
  eps: number;
  weightDecay: number;
  /** Gradients are scaled by min(1, maxGradNorm / (norm + 1e-6)); 0 disables clipping. */
  maxGradNorm: number;
  /** Step number, from 1. */
  step: number;
}

/** What every AdamW kernel needs: the flat buffers, where to find the norm, and the hyperparameters. */
export interface AdamWOptions extends AdamWStep {
  /** f32, updated. */
  params: Tensor;
  /** f32, in the layout of params; a separate buffer. */
  grads: Tensor;
  /** f32: reads [normIndex]; sets [skippedIndex] to 1 if the step is skipped, else 0. */
  stats: Tensor;
  normIndex: number;
  skippedIndex: number;
}

/**
 * One AdamW step over a flat buffer, with gradient clipping, entirely on the GPU. If the norm in stats is not finite
 * (or gradients are so large that v would overflow), nothing but stats[skippedIndex] changes.
 * @param m, v f32 [count], updated
 * @param blocks u32 [count / 256]: the blocks of 256 elements of params and grads that m and v belong to; default: all
 *   of them, in order
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
  // Factors near 1 are computed here in f64: 1 − beta2^step in f32 would lose digits that v needs.
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
