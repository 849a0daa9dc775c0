import { describe, expect, it } from 'vitest';
import { readGolden } from '../../testing/golden.ts';
import { schedules } from '../../base/config/recipe.ts';
import { learningRate } from './schedule.ts';

describe('learningRate', () => {
  it('is that of the reference run at every step', () => {
    const golden = readGolden('starter-lora');
    const options = {
      name: 'cosine',
      lr: golden.lr,
      warmupSteps: golden.warmup_steps,
      totalSteps: golden.steps,
    } as const;
    golden.trace.forEach((entry, step) => {
      expect(learningRate(options, step)).toBeCloseTo(entry.lr, 12);
    });
  });

  it('warms up from zero and peaks at lr', () => {
    for (const name of schedules) {
      if (name === 'constant') continue;
      const options = { name, lr: 1, warmupSteps: 4, totalSteps: 20 };
      expect([0, 1, 2, 4].map((step) => learningRate(options, step))).toEqual([0, 0.25, 0.5, 1]);
    }
  });

  // Values of transformers.optimization with lr 1, 2 warm-up steps and 10 steps.
  it.each([
    ['linear', 6, 0.5],
    ['cosine', 6, 0.5],
    ['cosine_with_restarts', 6, 0.5],
    ['polynomial', 6, 0.50000005],
    ['constant_with_warmup', 6, 1],
    ['inverse_sqrt', 8, 0.5],
    ['constant', 0, 1],
  ] as const)('%s at step %i', (name, step, expected) => {
    expect(learningRate({ name, lr: 1, warmupSteps: 2, totalSteps: 10 }, step)).toBeCloseTo(expected, 10);
  });
});
