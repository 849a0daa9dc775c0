import { describe, expect, it } from 'vitest';
import { defaultRecipe, type Recipe } from '../config/recipe.ts';
import type { GpuLimits } from '../gpu/dryGpu.ts';
import { rungFor } from '../lib/rungFor.ts';
import { openModelHeaders, type ModelFiles } from '../model/openModel.ts';
import { resident } from '../model/streaming.ts';
import { expectGraftError } from '../testing/errors.ts';
import { headerModel, qwen25 } from '../testing/headerModel.ts';
import { chooseStreaming, planRun, streamingForAnswers, streamingRungs } from './streamingPlan.ts';

const limits: GpuLimits = { maxBinding: 2 ** 31 - 4, hasF16: true, description: 'test' };
const recipeOf = (fields: Partial<Recipe> = {}): Recipe => ({
  ...defaultRecipe(),
  ...{ method: 'qlora', batch_size: 1, grad_accum: 4 },
  ...fields,
});

/** Any read of weights throws. */
const headersOf = (size: keyof typeof qwen25): Promise<ModelFiles> =>
  openModelHeaders(headerModel(qwen25[size]));

describe('the ways to run a recipe', () => {
  it.each(['0.5B', '72B'] as const)(
    '%s: from everything on the GPU to the least, each smaller than before',
    async (size) => {
      const files = await headersOf(size);
      const start = performance.now();
      const rungs = await streamingRungs(files, recipeOf(), limits, null);
      expect(performance.now() - start).toBeLessThan(10_000);
      expect(rungs[0]!.streaming).toEqual(resident);
      expect(rungs.at(-1)!.streaming).toEqual({ slots: 1, ends: true, spill: true });
      const totals = rungs.map(({ memory }) => memory.total);
      expect(totals).toEqual([...new Set(totals)].sort((a, b) => b - a));
      // What is left is no model any more: an adapter with its states, and a block or two.
      expect(totals.at(-1)! / totals[0]!).toBeLessThan(size === '72B' ? 0.15 : 0.5);
    },
  );

  it('are what a budget gets: the fastest that fits', async () => {
    const files = await headersOf('0.5B');
    const rungs = await streamingRungs(files, recipeOf(), limits, null);
    expect(rungFor(rungs, 0)).toBe(rungs[0]);
    expect(rungFor(rungs, rungs.at(-1)!.memory.total - 1)).toBeNull();
    for (const rung of rungs) {
      const budget = rung.memory.total;
      expect(rungFor(rungs, budget)).toBe(rung);
      const recipe = recipeOf({ memory_budget: budget });
      expect((await planRun(files, recipe, limits, null)).memory.total).toBeLessThanOrEqual(budget);
    }
  });

  it('do not fit any budget', async () => {
    const files = await headersOf('0.5B');
    const recipe = recipeOf({ memory_budget: 1e6 });
    const rungs = await streamingRungs(files, recipe, limits, null);
    const least = rungs.at(-1)!.memory.total;
    expect((await planRun(files, recipe, limits, null)).memory.total).toBe(least);
    const work = () => chooseStreaming(files, recipe, limits, null);
    await expectGraftError(work, 'train.budget_too_small', { least, budget: 1e6 });
  });

  it('take more than one micro-batch at little cost', async () => {
    const files = await headersOf('0.5B');
    const start = performance.now();
    await streamingRungs(files, recipeOf({ grad_accum: 256 }), limits, null);
    expect(performance.now() - start).toBeLessThan(20_000);
  });

  it('hold for answers too, which keep no inputs of blocks', async () => {
    const files = await headersOf('7B');
    const { dtype, double_quant } = defaultRecipe();
    const weights = { method: 'qlora' as const, double_quant, dtype };
    expect(await streamingForAnswers(files, { ...weights, memory_budget: 0 }, limits)).toEqual(resident);
    expect(await streamingForAnswers(files, { ...weights, memory_budget: 2e9 }, limits)).toMatchObject({
      slots: expect.any(Number) as number,
      spill: false,
    });
  });
});
