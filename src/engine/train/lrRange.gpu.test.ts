import { afterEach, beforeEach, expect, it } from 'vitest';
import { defaultRecipe, type Recipe } from '../../base/config/recipe.ts';
import { tokenRowsOf } from '../../content/data/tokens/tokenRows.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Decoder } from '../model/decoder/decoder.ts';
import { closeDecoder, openDecoder } from '../model/weights/openDecoder.ts';
import { openModelFiles } from '../model/spec/openModel.ts';
import { expectGraftError } from '../../testing/errors.ts';
import { testGpu } from '../../testing/gpu.ts';
import { refuseLeaks } from '../../testing/leaks.ts';
import { randomizeAdapter, randomRows, readBuffers } from '../../testing/passes.ts';
import { tinyModel } from '../../testing/tinyModel.ts';
import { lrRange, type LrSweep } from './lrRange.ts';
import { startAdapter } from './startAdapter.ts';

const rows = randomRows([8, 8, 8, 8]);
const recipe = { ...defaultRecipe(), rank: 4, batch_size: 4, dropout: 0.1, weight_decay: 0.1 };

refuseLeaks();

let gpu: Gpu;
let decoder: Decoder;
beforeEach(async () => {
  gpu = await testGpu();
  decoder = await openDecoder(gpu, await openModelFiles(tinyModel()), 'f32');
});
afterEach(() => closeDecoder(decoder));

async function run(sweep: LrSweep, stopAfter = Infinity, changes: Partial<Recipe> = {}) {
  const adapter = await startAdapter(decoder, recipe, null);
  randomizeAdapter(adapter, 5, 0.05);
  const before = await readBuffers(gpu, adapter.params);
  let reported = 0;
  const range = await lrRange({
    decoder,
    adapter,
    recipe: { ...recipe, ...changes },
    dataset: rows,
    sweep,
    onPoint: () => (reported += 1),
    shouldStop: () => reported >= stopAfter,
  });
  const after = await readBuffers(gpu, adapter.params);
  adapter.dispose();
  return { ...range, before, after, reported };
}

it('finds where the loss falls and where it explodes, and leaves the parameters as they were', async () => {
  const { points, suggestion, before, after, reported } = await run({ from: 1e-5, to: 100, steps: 60 });
  expect(after).toEqual(before);
  expect(reported).toBe(points.length);
  const lowest = points.reduce((a, b) => (b.loss < a.loss ? b : a));
  expect(lowest.loss).toBeLessThan(0.8 * points[0]!.loss);
  expect(points.at(-1)!.loss).toBeGreaterThan(2 * lowest.loss);
  // The same factor at every step, from the first to the last.
  const factors = points.slice(1).map(({ lr }, i) => lr / points[i]!.lr);
  for (const factor of factors) expect(factor).toBeCloseTo((100 / 1e-5) ** (1 / 59), 9);
  expect(suggestion!.lr).toBe(suggestion!.lowest / 2);
  expect(suggestion!.lr).toBeGreaterThan(1e-5);
  expect(suggestion!.fall).toBeGreaterThan(0.1);
});

it('compares each loss with that of the same rows before', async () => {
  // Nothing has changed yet, and nothing is dropped.
  const { points } = await run({ from: 1e-12, to: 1e-12, steps: 30 }, Infinity, { dropout: 0 });
  for (const { change } of points) expect(Math.abs(change)).toBeLessThan(1e-5);
});

it('stops when asked, and restores the parameters all the same', async () => {
  const { points, before, after } = await run({ from: 1e-2, to: 1, steps: 20 }, 3);
  expect(points).toHaveLength(3);
  expect(after).toEqual(before);
});

it('is a run’s: the same again', async () => {
  const sweep = { from: 1e-4, to: 1e-1, steps: 5 };
  expect((await run(sweep)).points).toEqual((await run(sweep)).points);
});

it('needs rows', async () => {
  const adapter = await startAdapter(decoder, recipe, null);
  const dataset = tokenRowsOf([]);
  await expectGraftError(() => lrRange({ decoder, adapter, recipe, dataset }), 'train.no_rows');
  adapter.dispose();
});
