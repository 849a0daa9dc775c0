import { describe, expect, it } from 'vitest';
import { defaultRecipe, type Recipe } from '../../base/config/recipe.ts';
import type { GpuLimits } from '../gpu/dryGpu.ts';
import { openModelHeaders } from '../model/spec/openModel.ts';
import { headerModel, mixtures, qwen25 } from '../../testing/headerModel.ts';
import { planMemory } from './memoryPlan.ts';
import { planRun } from './streamingPlan.ts';

const limits: GpuLimits = { maxBinding: 2 ** 31 - 4, hasF16: true, description: 'a GPU' };

/** QLoRA of rank 16 on one row of 512 tokens, with double quantization and AdamW in 8 bits. */
const qlora: Recipe = {
  ...defaultRecipe(),
  method: 'qlora',
  double_quant: true,
  optimizer: 'adamw_8bit',
  rank: 16,
  batch_size: 1,
  max_length: 512,
  eval_fraction: 0,
};

type Size = keyof typeof qwen25;

const plan = async (size: Size, fields: Partial<Recipe> = {}) =>
  planMemory(await openModelHeaders(headerModel(qwen25[size])), { ...qlora, ...fields }, limits, null);

describe('QLoRA of one row of 512 tokens, all layers on the GPU,', () => {
  it.each<[Size, number, Partial<Recipe>]>([
    ['7B', 5.4e9, {}],
    ['7B', 4.9e9, { head: '8bit', dtype: 'f32' }],
    ['7B', 4.5e9, { head: 'nf4', kept_inputs: 'f16' }],
    ['14B', 9.9e9, {}],
    ['14B', 8.4e9, { head: 'nf4', kept_inputs: '8bit', dtype: 'f32' }],
  ])('of %s plans at most %i bytes with %o', async (size, most, fields) => {
    const { total, embeddingOnDisk } = await plan(size, fields);
    expect(total).toBeLessThan(most);
    const { hidden_size: hidden, vocab_size: vocab } = qwen25[size] as Record<string, number>;
    expect(embeddingOnDisk).toBe(2 * vocab! * hidden!);
  });

  it('keeps layer inputs in as many bytes as their form says', async () => {
    const kept = async (kept_inputs: Recipe['kept_inputs']) => (await plan('7B', { kept_inputs })).parts.kept;
    const [layers, elements] = [28, 512 * 3584];
    expect(await kept('f32')).toBe((layers + 1) * elements * 4);
    expect(await kept('f16')).toBe(layers * elements * 2);
    expect(await kept('8bit')).toBe(layers * (elements + (4 * elements) / 64));
  });

  it('has a head of as many bytes as its form says', async () => {
    const weights = async (head: Recipe['head']) => (await plan('7B', { head })).parts.weights;
    const elements = 152064 * 3584;
    const [stored, in8, in4] = [await weights('stored'), await weights('8bit'), await weights('nf4')];
    expect(stored - in8).toBe(elements * 2 - (elements + (4 * elements) / 64));
    expect((stored - in4) / (elements * 2 - (4.127 / 8) * elements)).toBeCloseTo(1, 3);
  });

  it('reads a tied embedding from disk only where the head is in fewer bits', async () => {
    expect((await plan('0.5B')).embeddingOnDisk).toBe(0);
    const fewer = await plan('0.5B', { head: '8bit' });
    expect(fewer.embeddingOnDisk).toBe(2 * 151936 * 896);
    expect(fewer.total).toBeLessThan((await plan('0.5B')).total - 0.4 * 2 * 151936 * 896);
  });
});

describe('mixtures of experts on a GPU of 16 GB', () => {
  const attention = ['q_proj', 'k_proj', 'v_proj', 'o_proj'];
  it.each<[keyof typeof mixtures, Partial<Recipe>, number | null]>([
    ['OLMoE-1B-7B', { double_quant: false }, null],
    ['OLMoE-1B-7B', { method: 'lora', targets: attention }, null],
    // In 4 bits the weights take 17 GB: some layers come from disk.
    ['Qwen3-30B-A3B', { double_quant: false, targets: attention, max_length: 2048 }, 2],
    ['Qwen3-30B-A3B', { rank: 4, grad_accum: 4 }, 2],
  ])('%s plans with %o', async (name, fields, slots) => {
    const files = await openModelHeaders(headerModel(mixtures[name]));
    const recipe = { ...qlora, memory_budget: 15.5e9, ...fields };
    const { memory, streaming } = await planRun(files, recipe, limits, null);
    expect(memory.total).toBeLessThan(recipe.memory_budget);
    expect(streaming.slots === null).toBe(slots === null);
  });
});
