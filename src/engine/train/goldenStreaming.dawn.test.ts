import { beforeAll, describe, expect, it } from 'vitest';
import { defaultRecipe, type Recipe } from '../../base/config/recipe.ts';
import { rowShapes } from '../../content/data/tokens/rowShapes.ts';
import { readAdapter } from '../../content/formats/peft.ts';
import type { Gpu } from '../gpu/device.ts';
import { loadAdapter } from '../model/trained/adapterFiles.ts';
import { closeDecoder, openDecoder } from '../model/weights/openDecoder.ts';
import { openModelFiles, type ModelFiles } from '../model/spec/openModel.ts';
import { resident, type Streaming } from '../model/weights/streaming.ts';
import { MemoryDirectory } from '../../base/storage/memoryDirectory.ts';
import {
  goldenFolder,
  goldenRecipe,
  modelFolder,
  readGolden,
  trainingRows,
  type Golden,
} from '../../testing/golden.ts';
import { testGpu } from '../../testing/gpu.ts';
import { refuseLeaks } from '../../testing/leaks.ts';
import { planMemory } from './memoryPlan.ts';
import { chooseStreaming, offloadLevels } from './streamingPlan.ts';
import { train } from './trainer.ts';

refuseLeaks();

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

/** The losses and gradient norms of a reference run, and the most GPU memory at once. */
async function losses(run: string, golden: Golden, files: ModelFiles, recipe: Recipe, streaming: Streaming) {
  const before = gpu.memory.bytes;
  gpu.memory.resetPeak();
  const spillFolder = new MemoryDirectory('spill');
  const decoder = await openDecoder(gpu, files, 'f32', { streaming, spillFolder });
  const initial = await readAdapter(goldenFolder(run, 'init_adapter'));
  const adapter = await loadAdapter(gpu, files.spec, initial);
  const numbers: number[] = [];
  await train({
    decoder,
    adapter,
    recipe,
    dataset: trainingRows(golden),
    evalDataset: null,
    onStep: ({ loss, gradNorm }) => numbers.push(loss, gradNorm),
    onEval: () => undefined,
    shouldStop: () => false,
  });
  const peak = gpu.memory.peak - before;
  adapter.dispose();
  closeDecoder(decoder);
  await decoder.spill?.dispose();
  return { numbers, peak };
}

describe.each(['starter-lora', 'tiny-qwen3-lora'])('%s', (run) => {
  const golden = readGolden(run);
  const shapes = { train: rowShapes(trainingRows(golden)), evaluation: null };
  const recipe: Recipe = { ...defaultRecipe(), ...goldenRecipe(golden), dtype: 'f32' };
  let files: ModelFiles;
  let expected: number[];
  beforeAll(async () => {
    files = await openModelFiles(modelFolder(golden.model));
    expected = (await losses(run, golden, files, recipe, resident)).numbers;
  });

  const planned = async (streaming: Streaming) =>
    (await planMemory(files, recipe, gpu, shapes, streaming)).parts.weights;

  it('has the losses of resident training with room for one and a half blocks', async () => {
    const one = { ...resident, slots: 1 };
    const { total } = await planMemory(files, recipe, gpu, shapes, one);
    const block = (await planned({ ...resident, slots: 2 })) - (await planned(one));
    // Of models as small as this, weights are the lesser part: the budget has what else the run takes, too.
    const budget = total + block / 2;
    const { numbers, peak } = await losses(run, golden, files, recipe, one);
    expect(expected).toHaveLength(2 * golden.steps);
    expect(numbers).toEqual(expected);
    expect(peak).toBeLessThanOrEqual(1.05 * budget);
  });

  it('has them with the least memory there is, and every way in between', async () => {
    const short = { ...recipe, max_steps: 2 };
    const { numbers: whole } = await losses(run, golden, files, short, resident);
    const levels = await offloadLevels(files, short, gpu, shapes);
    expect(levels.at(-1)!.streaming).toMatchObject({ slots: 1 });
    for (const { streaming, memory } of levels) {
      const budget = memory.total;
      expect(await chooseStreaming(files, { ...short, memory_budget: budget }, gpu, shapes)).toEqual(
        streaming,
      );
      const { numbers, peak } = await losses(run, golden, files, short, streaming);
      expect(numbers, JSON.stringify(streaming)).toEqual(whole);
      expect(peak).toBeLessThanOrEqual(1.05 * budget);
    }
  });
});
