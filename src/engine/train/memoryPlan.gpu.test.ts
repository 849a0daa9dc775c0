import { beforeAll, describe, expect, it } from 'vitest';
import { defaultRecipe, type Recipe } from '../../base/config/recipe.ts';
import { rowShapes } from '../../content/data/tokens/rowShapes.ts';
import type { TokenRows } from '../../content/data/tokens/tokenRows.ts';
import type { Gpu } from '../gpu/device.ts';
import { memoryParts, type MemoryByPart } from '../gpu/memory.ts';
import {
  activationType,
  closeDecoder,
  headOf,
  openDecoder,
  quantizationOf,
} from '../model/weights/openDecoder.ts';
import { openModelFiles, openModelHeaders, type ModelFiles } from '../model/spec/openModel.ts';
import { testGpu } from '../../testing/gpu.ts';
import { needF16 } from '../../testing/needs.ts';
import { refuseLeaks } from '../../testing/leaks.ts';
import { randomRows, weighted, withMaxBinding } from '../../testing/passes.ts';
import { bnbModel, gptqModel } from '../../testing/quantizedModel.ts';
import { tinyFamilies } from '../../testing/tinyFamilies.ts';
import { tinyModel, type TinyModelOptions } from '../../testing/tinyModel.ts';
import { measureMemory, planMemory } from './memoryPlan.ts';
import { startAdapter } from './startAdapter.ts';
import { train } from './trainer.ts';

refuseLeaks();

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

/** Micro-batches of very different sizes; a quarter of each row is not trained on. */
const mixed = randomRows([5, 30, 3, 24, 60, 7, 4, 16, 44, 2, 9]);
const few = randomRows([12, 50], { seed: 9 });
const long = randomRows([60, 61, 62], { vocab: 5000 });
const lateTargets = randomRows([40, 38, 36, 34], { masked: 30 });

function recipeOf(fields: Partial<Recipe>): Recipe {
  return { ...defaultRecipe(), rank: 4, lr: 1e-3, batch_size: 2, epochs: 2, eval_steps: 2, ...fields };
}

interface Case {
  name: string;
  recipe: Partial<Recipe>;
  model?: TinyModelOptions;
  rows?: TokenRows;
  evalRows?: TokenRows;
  maxBinding?: number;
}

const cases: Case[] = [
  { name: 'LoRA in f32', recipe: {} },
  { name: 'LoRA in f16', recipe: { dtype: 'f16' } },
  { name: 'QLoRA', recipe: { method: 'qlora' }, model: { dtype: 'BF16' } },
  {
    name: 'QLoRA with double quantization and 8-bit AdamW',
    recipe: { method: 'qlora', double_quant: true, optimizer: 'adamw_8bit', rank: 128, dropout: 0.1 },
  },
  {
    name: 'a long batch with a large vocabulary',
    recipe: { batch_size: 3 },
    model: { config: { vocab_size: 5000 } },
    rows: long,
  },
  { name: 'evaluations longer than training', recipe: {}, rows: randomRows([9, 8, 7]), evalRows: few },
  {
    name: 'rank 64 on attention only, packed and accumulated',
    recipe: { rank: 64, targets: ['q_proj', 'v_proj'], packing: true, max_length: 64, grad_accum: 2 },
  },
  {
    name: 'weights of the losses',
    recipe: {},
    rows: weighted(randomRows([60, 61, 62])),
    evalRows: weighted(few),
  },
  {
    name: 'LoRA on the head, with dropout',
    recipe: { targets: ['q_proj', 'lm_head'], dropout: 0.1, batch_size: 3 },
    model: { config: { vocab_size: 5000 } },
    rows: long,
  },
  { name: 'targets at the ends of rows', recipe: { shuffle: false, batch_size: 1 }, rows: lateTargets },
  ...Object.entries(tinyFamilies).flatMap(([name, config]): Case[] => [
    // Experts have no dropout.
    { name: `LoRA on ${name}`, recipe: { dropout: name === 'qwen3Moe' ? 0 : 0.1 }, model: { config } },
    { name: `QLoRA on ${name} in f16`, recipe: { method: 'qlora', dtype: 'f16' }, model: { config } },
  ]),
  { name: 'bitsandbytes with nested absmax', recipe: {}, model: bnbModel(true) },
  { name: 'GPTQ with groups out of order', recipe: { layers: [1] }, model: gptqModel(16, false) },
  { name: 'PiSSA', recipe: { init_lora_weights: 'pissa_niter_1', targets: ['q_proj', 'down_proj'] } },
  { name: 'block inputs in f16', recipe: { kept_inputs: 'f16' } },
  { name: 'block inputs in 8 bits', recipe: { kept_inputs: '8bit' }, evalRows: few },
  { name: 'a head in 8 bits', recipe: { head: '8bit' }, model: { dtype: 'BF16' } },
  {
    name: 'a tied head in NF4 with double quantization, in several parts',
    recipe: { head: 'nf4', method: 'qlora', double_quant: true, kept_inputs: '8bit' },
    model: { config: { tie_word_embeddings: true, vocab_size: 500 } },
    maxBinding: 16 * 1024,
  },
  {
    name: 'an embedding on disk',
    // So much that the peak is not while the head is loaded.
    recipe: { batch_size: 1, epochs: 1, rank: 512 },
    model: { config: { hidden_size: 128, vocab_size: 70_000 }, dtype: large('BF16') },
    rows: randomRows([5, 12], { vocab: 70_000 }),
    evalRows: randomRows([20], { vocab: 70_000 }),
  },
  {
    name: 'matrices in several chunks',
    recipe: { method: 'qlora', double_quant: true },
    maxBinding: 4096,
    model: wide(),
  },
];

/** F32 for the embedding alone, which is then large enough to stay on disk. */
function large(others: string) {
  return (name: string) => (name.includes('embed') ? 'F32' : others);
}

function wide(): TinyModelOptions {
  return { config: { hidden_size: 64, intermediate_size: 256, vocab_size: 128 } };
}

/** The memory of a real run: its peak by purpose. */
async function peakOf(
  device: Gpu,
  files: ModelFiles,
  recipe: Recipe,
  { rows, evalRows }: { rows: TokenRows; evalRows: TokenRows | null },
): Promise<{ total: number; parts: MemoryByPart; loadPeak: number }> {
  const { memory } = device;
  memory.resetPeak();
  const [base, baseParts] = [memory.bytes, memory.parts];
  const type = activationType(device, recipe);
  const decoder = await openDecoder(device, files, type, {
    quantize: quantizationOf(recipe),
    head: headOf(recipe),
  });
  const loadPeak = memory.peak - base;
  const adapter = await startAdapter(decoder, recipe, null);
  await train({
    decoder,
    adapter,
    recipe,
    dataset: rows,
    evalDataset: evalRows,
    checkpoints: { seconds: 0, model: '', save: async () => undefined },
    onStep: () => undefined,
    onEval: () => undefined,
    shouldStop: () => false,
  });
  const { peak, peakParts: parts } = memory;
  for (const part of memoryParts) parts[part] -= baseParts[part];
  adapter.dispose();
  closeDecoder(decoder);
  return { total: peak - base, parts, loadPeak };
}

describe('the plan is what a whole run takes', () => {
  it.for(cases)('$name', async (given, context) => {
    const { recipe: fields, model, rows = mixed, evalRows = null, maxBinding } = given;
    const recipe = recipeOf(fields);
    if (recipe.dtype === 'f16') needF16(context, gpu);
    const device = maxBinding ? withMaxBinding(gpu, maxBinding) : gpu;
    const folder = tinyModel(model);
    const data = { train: rowShapes(rows), evaluation: evalRows && rowShapes(evalRows) };
    const plan = await planMemory(await openModelHeaders(folder), recipe, device, data);
    const { total, parts, loadPeak } = await peakOf(device, await openModelFiles(folder), recipe, {
      rows,
      evalRows,
    });
    expect({ total: plan.total, parts: plan.parts, loadPeak: plan.loadPeak }).toEqual({
      total,
      parts,
      loadPeak,
    });
    expect(Object.values(parts).reduce((sum, bytes) => sum + bytes, 0)).toBe(total);
    for (const part of [
      'weights',
      'adapter',
      'gradients',
      'optimizer',
      'kept',
      'activations',
      'loss',
    ] as const)
      expect(parts[part], part).toBeGreaterThan(0);
  });
});

it('counts modules trained in full', async () => {
  const recipe = recipeOf({ modules_to_save: ['embed_tokens', 'lm_head'] });
  const folder = tinyModel({ config: { vocab_size: 1000 } });
  const plan = await planMemory(await openModelHeaders(folder), recipe, gpu, {
    train: rowShapes(mixed),
    evaluation: null,
  });
  const { total, parts } = await peakOf(gpu, await openModelFiles(folder), recipe, {
    rows: mixed,
    evalRows: null,
  });
  expect(parts.adapter).toBeGreaterThan(2 * 1000 * 32 * 4);
  expect(plan.parts).toEqual({ ...parts, activations: expect.any(Number) as number });
  // How many different tokens a micro-batch has depends on its data.
  expect(Math.abs(plan.total / total - 1)).toBeLessThan(0.01);
});

it('counts the weights that PiSSA reads, where that takes more than a step', async () => {
  const recipe = recipeOf({ init_lora_weights: 'pissa_niter_1', targets: ['down_proj'], rank: 1 });
  const folder = tinyModel({ config: { intermediate_size: 4096 } });
  const rows = randomRows([3, 4]);
  const data = { train: rowShapes(rows), evaluation: null };
  const plan = await planMemory(await openModelHeaders(folder), recipe, gpu, data);
  const { total, parts } = await peakOf(gpu, await openModelFiles(folder), recipe, { rows, evalRows: null });
  // The matrix, and the buffer it is read through.
  expect(parts.other).toBeGreaterThanOrEqual(4 * 4096 * 32);
  expect({ total: plan.total, parts: plan.parts }).toEqual({ total, parts });
});

describe('the plan is what a measurement finds', () => {
  it.each<[string, Partial<Recipe>]>([
    ['rows of the maximal length', { max_length: 48 }],
    ['rows as long as the model allows, and an evaluation', { eval_fraction: 0.1 }],
    ['PiSSA', { max_length: 48, init_lora_weights: 'pissa_niter_1' }],
    ['DoRA, at two learning rates', { max_length: 48, dora: true, loraplus_lr_ratio: 4 }],
    ['rows packed beyond what the model allows', { packing: true, max_length: 192, batch_size: 1 }],
  ])('without data: %s', async (_, fields) => {
    const files = await openModelFiles(tinyModel());
    const recipe = recipeOf(fields);
    const plan = await planMemory(files, recipe, gpu, null);
    const { total, parts, loadPeak } = await measureMemory(gpu, files, recipe, null);
    expect({ total: plan.total, parts: plan.parts, loadPeak: plan.loadPeak }).toEqual({
      total,
      parts,
      loadPeak,
    });
  });

  it('with data', async () => {
    const files = await openModelFiles(tinyModel());
    const data = { train: rowShapes(mixed), evaluation: rowShapes(few) };
    const plan = await planMemory(files, recipeOf({}), gpu, data);
    const measured = await measureMemory(gpu, files, recipeOf({}), { train: mixed, evaluation: few });
    expect(plan).toMatchObject(measured);
  });
});
