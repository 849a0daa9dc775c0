import type { ScheduleName } from '../../base/config/recipe.ts';

/** What a schedule needs to know of a run. */
export interface ScheduleOptions {
  name: ScheduleName;
  /** Peak learning rate. */
  lr: number;
  warmupSteps: number;
  totalSteps: number;
}

/**
 * Learning rate of optimizer step `step`, counted from 0, as transformers' get_scheduler gives it: the first
 * warm-up step has rate 0, the last step of a decay is not yet 0.
 */
export function learningRate({ name, lr, warmupSteps, totalSteps }: ScheduleOptions, step: number): number {
  if (name === 'constant') return lr;
  if (name === 'inverse_sqrt') return lr * inverseSquareRoot(step, warmupSteps);
  if (step < warmupSteps) return (lr * step) / Math.max(1, warmupSteps);
  const progress = (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps);
  switch (name) {
    case 'constant_with_warmup':
      return lr;
    case 'linear':
      return lr * Math.max(0, 1 - progress);
    case 'cosine':
      return lr * Math.max(0, 0.5 * (1 + Math.cos(Math.PI * progress)));
    case 'cosine_with_restarts':
      // One cycle, transformers' default.
      return progress >= 1 ? 0 : lr * Math.max(0, 0.5 * (1 + Math.cos(Math.PI * (progress % 1))));
    case 'polynomial':
      return polynomial(lr, progress);
  }
}

/** transformers decays from lr to 1e-7 with power 1. */
function polynomial(lr: number, progress: number): number {
  const end = 1e-7;
  return progress > 1 ? end : (lr - end) * (1 - progress) + end;
}

/** transformers takes the warm-up steps, or 10,000 without any, as time scale. */
function inverseSquareRoot(step: number, warmupSteps: number): number {
  if (step < warmupSteps) return step / Math.max(1, warmupSteps);
  const timescale = warmupSteps || 10_000;
  return 1 / Math.sqrt((step + timescale - warmupSteps) / timescale);
}
