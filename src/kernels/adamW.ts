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

/**
 * One AdamW step over a flat buffer, with clipping, entirely on the GPU. When the norm in stats is not finite
 * (or gradients stay so large that v would overflow) nothing but stats[skippedIndex] changes.
 * @param params, m, v [count] f32, updated
 * @param grads [count] f32; a buffer of its own
 * @param stats f32: [normIndex] is read, [skippedIndex] becomes 1 when the step is skipped and 0 otherwise
 */
export function adamW(
  commands: Commands,
  options: {
    params: Tensor;
    grads: Tensor;
    m: Tensor;
    v: Tensor;
    stats: Tensor;
    normIndex: number;
    skippedIndex: number;
    count: number;
  } & AdamWStep,
): void {
  const { params: weights, grads, m, v, stats, normIndex, skippedIndex, count } = options;
  const { lr, beta1, beta2, eps, weightDecay, maxGradNorm, step } = options;
  assert(step >= 1, `AdamW steps count from 1, got ${step}`);
  // Factors near 1 are formed here in f64: 1 − beta2^step in f32 would lose digits that v needs.
  const params = {
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
  commands.run('adam_w', { WG }, { grads, weights, m, v, stats }, params, elementGroups(count));
}
