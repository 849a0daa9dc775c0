import { beforeEach, describe, expect, it } from 'vitest';
import { defaultRecipe, type Recipe } from '../../base/config/recipe.ts';
import type { Gpu } from '../gpu/device.ts';
import { rowShapes } from '../../content/data/tokens/rowShapes.ts';
import {
  activationType,
  closeDecoder,
  headOf,
  openDecoder,
  quantizationOf,
} from '../model/weights/openDecoder.ts';
import { openModelFiles, type ModelFiles } from '../model/spec/openModel.ts';
import { resident, type Streaming } from '../model/weights/streaming.ts';
import { MemoryDirectory } from '../../base/storage/memoryDirectory.ts';
import { caught } from '../../testing/errors.ts';
import { testGpu } from '../../testing/gpu.ts';
import { needF16 } from '../../testing/needs.ts';
import { refuseLeaks } from '../../testing/leaks.ts';
import { randomRows, readBuffers, withMaxBinding } from '../../testing/passes.ts';
import { tinyFamilies } from '../../testing/tinyFamilies.ts';
import { tinyModel } from '../../testing/tinyModel.ts';
import { measureMemory, planMemory } from './memoryPlan.ts';
import { startAdapter } from './startAdapter.ts';
import { chooseStreaming } from './streamingPlan.ts';
import { train } from './trainer.ts';

refuseLeaks();

let gpu: Gpu;
let files: ModelFiles;
beforeEach(async () => {
  gpu = await testGpu();
  files = await openModelFiles(tinyModel({ dtype: 'BF16', config: { num_hidden_layers: 5 } }));
});

interface Model {
  on?: Gpu;
  of?: ModelFiles;
}

/** Losses and the adapter after some steps of three micro-batches each, with evaluation. */
async function run(streaming: Streaming, fields: Partial<Recipe>, { on = gpu, of = files }: Model = {}) {
  const recipe: Recipe = {
    ...defaultRecipe(),
    rank: 4,
    lr: 1e-2,
    batch_size: 2,
    grad_accum: 3,
    max_steps: 4,
    dropout: 0.1,
    eval_steps: 2,
    ...fields,
  };
  const spillFolder = new MemoryDirectory('spill');
  const decoder = await openDecoder(on, of, activationType(on, recipe), {
    quantize: quantizationOf(recipe),
    head: headOf(recipe),
    streaming,
    spillFolder,
  });
  const adapter = await startAdapter(decoder, recipe, null);
  const losses: number[] = [];
  await train({
    decoder,
    adapter,
    recipe,
    dataset: randomRows([5, 3, 7, 4, 9, 6, 2, 8]),
    evalDataset: randomRows([4, 4], { seed: 9 }),
    onStep: ({ loss, gradNorm }) => losses.push(loss, gradNorm),
    onEval: (_, loss) => losses.push(loss),
    shouldStop: () => false,
  });
  const params = await readBuffers(gpu, adapter.params);
  adapter.dispose();
  closeDecoder(decoder);
  await decoder.spill?.dispose();
  expect(await spillFolder.list()).toEqual([]);
  return { losses, params };
}

const residentRuns = new Map<string, ReturnType<typeof run>>();

/** {@link run} on resident weights: once for each model, named by `key`, and recipe, however many are compared with it. */
function residentRun(key: string, fields: Partial<Recipe>, model?: Model): ReturnType<typeof run> {
  const whole = `${key} ${JSON.stringify(fields)}`;
  let known = residentRuns.get(whole);
  if (!known) residentRuns.set(whole, (known = run(resident, fields, model)));
  return known;
}

describe.each<[string, Partial<Recipe>]>([
  ['as stored', {}],
  ['in 4 bits', { method: 'qlora' }],
  ['in 4 bits, nested', { method: 'qlora', double_quant: true }],
  ['with modules trained in full', { modules_to_save: ['embed_tokens'], layers: [1, 3] }],
  ['with block inputs in 8 bits', { kept_inputs: '8bit' }],
])('training on streamed weights, %s', (_, fields) => {
  it.each([1, 2, 3])('gives the bits of resident ones with %i slots', async (slots) => {
    const whole = await residentRun('five layers', fields);
    expect(await run({ ...resident, slots }, fields)).toEqual(whole);
  });
});

/** A vocabulary of three parts, where a binding is small. */
async function threeParts(tied: boolean): Promise<{ on: Gpu; of: ModelFiles }> {
  const config = { vocab_size: 150, num_hidden_layers: 3, tie_word_embeddings: tied };
  const of = await openModelFiles(tinyModel({ dtype: 'BF16', config }));
  return { on: withMaxBinding(gpu, 64 * 32 * 4), of };
}

describe.each<[string, boolean, Partial<Recipe>]>([
  ['as stored', false, {}],
  ['of a tied model', true, {}],
  ['of a tied model in 4 bits', true, { method: 'qlora' }],
  ['whose head is in 8 bits', false, { head: '8bit' }],
  ['of a tied model whose head is in NF4', true, { head: 'nf4', double_quant: true }],
  ['whose head is trained in full', false, { modules_to_save: ['lm_head'] }],
  ['whose embedding is trained in full', true, { modules_to_save: ['embed_tokens'] }],
])('training with the vocabulary on disk, %s', (_, tied, fields) => {
  it.each([1, 2, null])('gives the bits of a resident one with %s slots', async (slots) => {
    const model = await threeParts(tied);
    const whole = await residentRun(`three parts, ${tied ? 'tied' : 'untied'}`, fields, model);
    expect(await run({ slots, ends: true, spill: false }, fields, model)).toEqual(whole);
  });
});

describe('training with the inputs of blocks on disk', () => {
  it.for<[string, Streaming, Partial<Recipe>]>([
    ['alone', { slots: null, ends: false, spill: true }, {}],
    ['and one block at a time', { slots: 1, ends: false, spill: true }, {}],
    ['and all that can be', { slots: 2, ends: true, spill: true }, {}],
    ['and all that can be, in f16', { slots: 2, ends: true, spill: true }, { dtype: 'f16' }],
    ['and all that can be, in 8 bits', { slots: 2, ends: true, spill: true }, { kept_inputs: '8bit' }],
    ['and one block at a time, in f16', { slots: 1, ends: false, spill: true }, { kept_inputs: 'f16' }],
    ['of some layers', { slots: 1, ends: true, spill: true }, { layers: [1], dropout: 0 }],
  ])('gives the bits of resident training: %s', async ([, streaming, fields], context) => {
    if (fields.dtype === 'f16') needF16(context, gpu);
    const model = await threeParts(false);
    const whole = await residentRun('three parts, untied', fields, model);
    expect(await run(streaming, fields, model)).toEqual(whole);
  });
});

describe('training other families from disk', () => {
  it.each(Object.entries(tinyFamilies))('gives the bits of resident training: %s', async (name, config) => {
    const of = await openModelFiles(tinyModel({ config: { num_hidden_layers: 3, ...config } }));
    // Experts have no dropout.
    const fields: Partial<Recipe> = { max_steps: 2, ...(name === 'qwen3Moe' && { dropout: 0 }) };
    const streaming = { slots: 1, ends: true, spill: true };
    expect(await run(streaming, fields, { of })).toEqual(await run(resident, fields, { of }));
  });
});

describe('the memory plan of layers from disk', () => {
  it.each<[string, Partial<Recipe>]>([
    ['one micro-batch a step', {}],
    ['three of them, in 4 bits', { grad_accum: 3, method: 'qlora' }],
    ['three of them, with inputs and head in 8 bits', { grad_accum: 3, kept_inputs: '8bit', head: '8bit' }],
  ])('is what a run takes: %s', async (_, fields) => {
    const recipe: Recipe = { ...defaultRecipe(), rank: 4, max_length: 16, ...fields };
    const { on, of } = await threeParts(true);
    for (const slots of [1, 2]) {
      for (const [ends, spill] of [
        [false, false],
        [true, false],
        [true, true],
      ] as const) {
        const streaming = { slots, ends, spill };
        const plan = await planMemory(of, recipe, on, null, streaming);
        const spillFolder = new MemoryDirectory('spill');
        const measured = await measureMemory(on, of, recipe, null, streaming, spillFolder);
        expect({ total: plan.total, parts: plan.parts }).toEqual({
          total: measured.total,
          parts: measured.parts,
        });
      }
    }
  });
});

describe('a model in 4 bits that is larger than the budget', () => {
  const config = { hidden_size: 128, intermediate_size: 256, num_hidden_layers: 80, head_dim: 32 };
  const recipe: Recipe = {
    ...defaultRecipe(),
    method: 'qlora',
    rank: 2,
    targets: ['q_proj'],
    layers: [0, 79],
    lr: 1e-2,
    batch_size: 1,
    max_steps: 3,
  };
  const rows = randomRows([8, 6]);
  const shapes = { train: rowShapes(rows), evaluation: null };

  it('trains within it, at a quarter of its own size', async () => {
    const large = await openModelFiles(tinyModel({ dtype: 'BF16', config }));
    const whole = await planMemory(large, recipe, gpu, shapes);
    const budget = Math.floor(whole.parts.weights / 4);
    const streaming = await chooseStreaming(large, { ...recipe, memory_budget: budget }, gpu, shapes);
    const before = gpu.memory.bytes;
    gpu.memory.resetPeak();
    const decoder = await openDecoder(gpu, large, 'f32', { quantize: { doubleQuant: false }, streaming });
    const adapter = await startAdapter(decoder, recipe, null);
    const losses: number[] = [];
    await train({
      decoder,
      adapter,
      recipe,
      dataset: rows,
      evalDataset: null,
      onStep: ({ loss }) => losses.push(loss),
      onEval: () => undefined,
      shouldStop: () => false,
    });
    const peak = gpu.memory.peak - before;
    adapter.dispose();
    closeDecoder(decoder);
    expect(losses).toHaveLength(3);
    expect(losses.every(Number.isFinite)).toBe(true);
    expect(peak).toBeLessThanOrEqual(1.05 * budget);
  });

  it('says what it needs at least where not even one block at a time fits', async () => {
    const everywhere = { ...recipe, layers: 'all' as const, memory_budget: 1000 };
    const error = await caught(() => chooseStreaming(files, everywhere, gpu, shapes));
    expect(error).toMatchObject({ code: 'train.budget_too_small', params: { budget: 1000 } });
  });
});
