import { beforeEach, describe, expect, it } from 'vitest';
import { defaultRecipe, type Recipe } from '../../base/config/recipe.ts';
import type { Gpu } from '../gpu/device.ts';
import { QuantizedCache } from '../model/weights/quantizedCache/quantizedCache.ts';
import { closeDecoder, openDecoder, quantizationOf } from '../model/weights/openDecoder.ts';
import { openModelFiles } from '../model/spec/openModel.ts';
import type { Streaming } from '../model/weights/streaming.ts';
import { MemoryDirectory } from '../../base/storage/memoryDirectory.ts';
import { testGpu } from '../../testing/gpu.ts';
import { refuseLeaks } from '../../testing/leaks.ts';
import { randomRows } from '../../testing/passes.ts';
import { tinyModel } from '../../testing/tinyModel.ts';
import { VersionedFolder } from '../../testing/versionedFolder.ts';
import { startAdapter } from './startAdapter.ts';
import { train } from './trainer.ts';

refuseLeaks();

let gpu: Gpu;
beforeEach(async () => {
  gpu = await testGpu();
});

const config = { hidden_size: 128, head_dim: 32, intermediate_size: 256, num_hidden_layers: 4 };
const onDisk: Streaming = { slots: 1, ends: false, spill: false };

/** Losses of a few steps, the bytes read of the base meanwhile, and the most bytes on the GPU at once. */
async function run(recipe: Recipe, cache: QuantizedCache | null, streaming?: Streaming) {
  const folder = new VersionedFolder(tinyModel({ config, dtype: 'BF16' }));
  const files = await openModelFiles(folder);
  const before = gpu.memory.bytes;
  gpu.memory.resetPeak();
  const decoder = await openDecoder(gpu, files, 'f32', {
    quantize: quantizationOf(recipe),
    derived: cache,
    ...(streaming && { streaming }),
  });
  const adapter = await startAdapter(decoder, recipe, null);
  const losses: number[] = [];
  await train({
    decoder,
    adapter,
    recipe,
    evalDataset: null,
    dataset: randomRows([6, 4, 8]),
    onStep: ({ loss, gradNorm }) => losses.push(loss, gradNorm),
    onEval: () => undefined,
    shouldStop: () => false,
  });
  const peak = gpu.memory.peak - before;
  adapter.dispose();
  closeDecoder(decoder);
  return { losses, peak, read: folder.bytesRead };
}

describe.each([false, true])('training on 4-bit weights from disk, double quantization %s', (doubleQuant) => {
  const recipe: Recipe = {
    ...defaultRecipe(),
    method: 'qlora',
    double_quant: doubleQuant,
    rank: 4,
    lr: 1e-2,
    batch_size: 1,
    max_steps: 3,
  };

  it.each<[string, Streaming | undefined]>([
    ['resident', undefined],
    ['streamed', onDisk],
  ])('gives the losses of quantizing again: %s', async (_, streaming) => {
    const store = new QuantizedCache(new MemoryDirectory('root'));
    const uncached = await run(recipe, null, streaming);
    const first = await run(recipe, store, streaming);
    const second = await run(recipe, store, streaming);
    expect(first.losses).toEqual(uncached.losses);
    expect(second.losses).toEqual(uncached.losses);
    expect(second.losses.every(Number.isFinite)).toBe(true);
    // Three steps pass every block twice: from the base in the first pass alone.
    if (streaming) expect(first.read).toBeLessThan(0.35 * uncached.read);
    expect(second.read).toBeLessThan(first.read);
    // Writing the cache takes next to no memory beyond the planned run, and loading it takes less.
    expect(first.peak).toBeLessThanOrEqual(1.05 * uncached.peak);
    expect(second.peak).toBeLessThanOrEqual(uncached.peak);
  });
});
