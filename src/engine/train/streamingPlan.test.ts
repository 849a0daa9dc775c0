import { afterEach, describe, expect, it, vi } from 'vitest';
import { defaultRecipe, type Recipe } from '../../base/config/recipe.ts';
import { DryGpu, type GpuLimits } from '../gpu/dryGpu.ts';
import { pickLevel } from '../../base/lib/pickLevel.ts';
import { openModelHeaders, type ModelFiles } from '../model/spec/openModel.ts';
import { resident } from '../model/weights/streaming.ts';
import { expectGraftError } from '../../testing/errors.ts';
import { headerModel, qwen25 } from '../../testing/headerModel.ts';
import { chooseStreaming, planRun, streamingForAnswers, offloadLevels } from './streamingPlan.ts';

const limits: GpuLimits = { maxBinding: 2 ** 31 - 4, hasF16: true, description: 'test' };
const recipeOf = (fields: Partial<Recipe> = {}): Recipe => ({
  ...defaultRecipe(),
  method: 'qlora',
  batch_size: 1,
  grad_accum: 4,
  ...fields,
});

afterEach(() => vi.restoreAllMocks());

/** Any read of weights throws. */
const headersOf = (size: keyof typeof qwen25): Promise<ModelFiles> =>
  openModelHeaders(headerModel(qwen25[size]));

describe('the ways to run a recipe', () => {
  it.each(['0.5B', '72B'] as const)(
    '%s: from everything on the GPU to the least, each smaller than before',
    async (size) => {
      const files = await headersOf(size);
      const plans = vi.spyOn(DryGpu.prototype, 'destroy').mock.calls;
      const levels = await offloadLevels(files, recipeOf(), limits, null);
      expect(plans.length).toBeLessThanOrEqual(16);
      expect(levels[0]!.streaming).toEqual(resident);
      expect(levels.at(-1)!.streaming).toEqual({ slots: 1, ends: true, spill: true });
      const totals = levels.map(({ memory }) => memory.total);
      expect(totals).toEqual([...new Set(totals)].sort((a, b) => b - a));
      // What is left is no model any more: an adapter with its states, and a block or two.
      expect(totals.at(-1)! / totals[0]!).toBeLessThan(size === '72B' ? 0.15 : 0.5);
    },
  );

  it('are what a budget gets: the fastest that fits', async () => {
    const files = await headersOf('0.5B');
    const levels = await offloadLevels(files, recipeOf(), limits, null);
    expect(pickLevel(levels, 0)).toBe(levels[0]);
    expect(pickLevel(levels, levels.at(-1)!.memory.total - 1)).toBeNull();
    for (const level of levels) {
      const budget = level.memory.total;
      expect(pickLevel(levels, budget)).toBe(level);
      const recipe = recipeOf({ memory_budget: budget });
      expect((await planRun(files, recipe, limits, null)).memory.total).toBeLessThanOrEqual(budget);
    }
  });

  it('do not fit any budget', async () => {
    const files = await headersOf('0.5B');
    const recipe = recipeOf({ memory_budget: 1e6 });
    const levels = await offloadLevels(files, recipe, limits, null);
    const least = levels.at(-1)!.memory.total;
    expect((await planRun(files, recipe, limits, null)).memory.total).toBe(least);
    const work = () => chooseStreaming(files, recipe, limits, null);
    await expectGraftError(work, 'train.budget_too_small', { least, budget: 1e6 });
  });

  it('take more than one micro-batch at little cost', async () => {
    const files = await headersOf('0.5B');
    const dispatches = vi.spyOn(DryGpu.prototype, 'used').mock.calls;
    await offloadLevels(files, recipeOf({ grad_accum: 4 }), limits, null);
    const few = dispatches.length;
    await offloadLevels(files, recipeOf({ grad_accum: 256 }), limits, null);
    expect((dispatches.length - few) / few).toBeLessThan(8);
  });

  it('hold for answers too, which store no inputs of blocks', async () => {
    const files = await headersOf('7B');
    const { dtype, double_quant, head } = defaultRecipe();
    const weights = { method: 'qlora' as const, double_quant, head, dtype };
    expect(await streamingForAnswers(files, { ...weights, memory_budget: 0 }, limits)).toEqual(resident);
    expect(await streamingForAnswers(files, { ...weights, memory_budget: 2e9 }, limits)).toMatchObject({
      slots: expect.any(Number) as number,
      spill: false,
    });
  });
});
