import { afterEach, beforeEach, expect, it } from 'vitest';
import { defaultRecipe, type Recipe } from '../../base/config/recipe.ts';
import { buildMicroBatch } from '../../content/data/tokens/microBatch.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Decoder } from '../model/decoder/decoder.ts';
import type { LoraAdapter } from '../model/trained/loraAdapter.ts';
import { closeDecoder, openDecoder } from '../model/weights/openDecoder.ts';
import { openModelFiles } from '../model/spec/openModel.ts';
import { expectClose } from '../../testing/compare.ts';
import { expectGraftError } from '../../testing/errors.ts';
import { testGpu } from '../../testing/gpu.ts';
import { refuseLeaks } from '../../testing/leaks.ts';
import { modulesOf, randomRows, readBuffers } from '../../testing/passes.ts';
import { tinyModel } from '../../testing/tinyModel.ts';
import { evaluate } from './evaluate.ts';
import { readAll } from './rankSchedule.ts';
import { startAdapter } from './startAdapter.ts';
import { train } from './trainer.ts';
import { StepRunner } from './trainStep.ts';

const rows = randomRows([5, 3, 7, 4]);
const recipe: Recipe = {
  ...defaultRecipe(),
  rank: 4,
  alpha: 8,
  lr: 1e-2,
  batch_size: 2,
  max_steps: 7,
  schedule: 'constant',
  shuffle: false,
  modules_to_save: ['lm_head'],
};
const adamW = { lr: 1e-2, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0, maxGradNorm: 1 };

refuseLeaks();

let gpu: Gpu;
let decoder: Decoder;
let adapter: LoraAdapter;
beforeEach(async () => {
  gpu = await testGpu();
  decoder = await openDecoder(gpu, await openModelFiles(tinyModel()), 'f32');
  adapter = await startAdapter(decoder, recipe, null);
});
afterEach(() => {
  adapter.dispose();
  closeDecoder(decoder);
});

const lossNow = async () => (await evaluate(decoder, { adapter, strength: 1, dropout: null }, rows, 2)).loss;

/** A and B of each module, by buffers of the adapter's layout. */
const matricesOf = (flat: Float32Array) =>
  modulesOf(adapter, flat).map(({ module, a, b }) => ({ module, a: a.slice(), b: b.slice() }));

it('a rank that grows preserves what was learned: new columns of B are zero, new rows of A fresh, m and v stay', async () => {
  const runner = new StepRunner(decoder, adapter);
  const batches = [buildMicroBatch(rows, [[0], [1], [2]])];
  for (const step of [1, 2, 3]) await runner.run(batches, { p: 0, seeds: [] }, { ...adamW, step });
  const flat = async (name: string) => {
    const tensors = [...runner.tensors].filter(([key]) => key.startsWith(`${name}.`)).map(([, one]) => one);
    const values = await readAll(gpu, tensors);
    return Float32Array.from(values.flatMap((part) => [...part]));
  };
  const names = ['parameters', 'm', 'v'];
  const before = new Map<string, ReturnType<typeof matricesOf>>();
  for (const name of names) before.set(name, matricesOf(await flat(name)));
  const head = async () => (await flat('m')).slice(-40 * 32);
  const [loss, headBefore] = [await lossNow(), await head()];

  await runner.changeRank(adapter, 7, 99);
  expect(adapter.modules.every(({ rank, scale }) => rank === 7 && scale === 2)).toBe(true);
  expectClose([await lossNow()], [loss], { rtol: 1e-6 });
  expect(await head()).toEqual(headBefore);
  for (const name of names) {
    for (const [i, { module, a, b }] of matricesOf(await flat(name)).entries()) {
      const was = before.get(name)![i]!;
      expect(a.slice(0, was.a.length), name).toEqual(was.a);
      const fresh = a.slice(was.a.length);
      expect(fresh).toHaveLength(3 * module.linear.inFeatures);
      expect(fresh.every((x) => (name === 'parameters' ? x !== 0 : x === 0))).toBe(true);
      for (let row = 0; row < module.linear.outFeatures; row++) {
        expect(b.slice(7 * row, 7 * row + 4)).toEqual(was.b.slice(4 * row, 4 * row + 4));
        expect(b.slice(7 * row + 4, 7 * row + 7)).toEqual(new Float32Array(3));
      }
    }
  }
  // What is new learns from here on.
  await runner.run(batches, { p: 0, seeds: [] }, { ...adamW, step: 4 });
  for (const { b } of matricesOf(await flat('parameters'))) expect(b[6]).not.toBe(0);
  runner.dispose();
});

it('a run grows as its recipe says, and ends with the whole rank', async () => {
  const ranks: number[] = [];
  const run = async (fields: Partial<Recipe>) => {
    const { steps } = await train({
      decoder,
      adapter,
      recipe: { ...recipe, ...fields },
      dataset: rows,
      evalDataset: null,
      onStep: () => ranks.push(adapter.modules[0]!.rank),
      onEval: () => undefined,
      shouldStop: () => false,
    });
    expect(steps).toBe(7);
  };
  await run({ start_rank: 1, grow_steps: 3 });
  expect(ranks).toEqual([1, 1, 1, 2, 2, 2, 4]);
  expect(adapter.modules.every(({ rank }) => rank === 4)).toBe(true);
  const grown = await readBuffers(gpu, adapter.params);
  // A run that ends before its rank is whole is filled up, so that its file says what the recipe does.
  adapter.dispose();
  adapter = await startAdapter(decoder, recipe, null);
  await run({ start_rank: 2, grow_steps: 100 });
  expect(adapter.modules.every(({ rank }) => rank === 4)).toBe(true);
  const values = await readBuffers(gpu, adapter.params);
  expect(values).not.toEqual(grown);
  for (const { module, b } of modulesOf(adapter, values)) {
    for (let row = 0; row < module.linear.outFeatures; row++) {
      expect(b.slice(4 * row + 2, 4 * row + 4)).toEqual(new Float32Array(2));
    }
  }
});

it('cannot grow states in 8 bits', async () => {
  const options = {
    decoder,
    adapter,
    dataset: rows,
    evalDataset: null,
    recipe: { ...recipe, start_rank: 1, optimizer: 'adamw_8bit' as const },
    onStep: () => undefined,
    onEval: () => undefined,
    shouldStop: () => false,
  };
  await expectGraftError(() => train(options), 'train.growth_8bit');
});
