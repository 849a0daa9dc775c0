import { beforeEach, describe, expect, it } from 'vitest';
import { defaultRecipe } from '../../base/config/recipe.ts';
import { buildMicroBatch } from '../../content/data/tokens/microBatch.ts';
import type { Commands } from '../gpu/commands.ts';
import type { Gpu } from '../gpu/device.ts';
import { upload } from '../gpu/transfer.ts';
import type { AdamWStep } from '../kernels/adamW.ts';
import { LoraAdapter } from '../model/trained/loraAdapter.ts';
import { planLora } from '../model/trained/loraModules.ts';
import { closeDecoder, openDecoder } from '../model/weights/openDecoder.ts';
import { openModelFiles, type ModelFiles } from '../model/spec/openModel.ts';
import { randomArray } from '../../testing/compare.ts';
import { testGpu } from '../../testing/gpu.ts';
import { refuseLeaks } from '../../testing/leaks.ts';
import { randomRows, readBuffers } from '../../testing/passes.ts';
import { tinyModel } from '../../testing/tinyModel.ts';
import type { OptimizerName } from './adamStates.ts';
import { createAdamStates } from './createAdamStates.ts';
import { MIN_8BIT_SIZE } from './adam8bitStates.ts';
import { Optimizer } from './optimizer.ts';
import { train } from './trainer.ts';
import { StepRunner } from './trainStep.ts';

refuseLeaks();

const names: readonly OptimizerName[] = ['adamw', 'adamw_8bit'];
const settings = { lr: 1e-2, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01, maxGradNorm: 1 };
/** At this rank the tiny model's k_proj and v_proj have a small B of 16 x 128, and all else is large. */
const recipe = { ...defaultRecipe(), rank: 128, alpha: 128, dtype: 'f32' as const };

let gpu: Gpu;
let files: ModelFiles;
beforeEach(async () => {
  gpu = await testGpu();
  files = await openModelFiles(tinyModel());
});

function adapterOf(rank: number): LoraAdapter {
  const adapter = new LoraAdapter(gpu, planLora(files.spec, { ...recipe, rank }));
  adapter.initialize(recipe.seed);
  return adapter;
}

describe('AdamW states', () => {
  it.each([4, 100, 128])('of rank %i take a quarter of the bytes where matrices are large', (rank) => {
    const adapter = adapterOf(rank);
    const bytes = names.map((name) => {
      const before = gpu.memory.bytes;
      const states = createAdamStates(gpu, adapter.segments[0]!, name);
      const taken = gpu.memory.bytes - before;
      states.dispose();
      return taken;
    });
    expect(bytes[0]).toBe(2 * 4 * adapter.segments[0]!.count);
    // Small matrices alone save nothing; large ones take little more than a quarter.
    if (rank === 4) expect(bytes[1]).toBeGreaterThan(bytes[0]!);
    if (rank === 128) expect(bytes[1]).toBeLessThan(0.36 * bytes[0]!);
    adapter.dispose();
  });

  it('of small matrices are those of f32 AdamW to the bit, those of large ones are not', async () => {
    const run = async (name: OptimizerName) => {
      const adapter = adapterOf(128);
      const commands = gpu.commands();
      const optimizer = new Optimizer(gpu, adapter, commands, name);
      const after: Float32Array[] = [];
      for (let step = 1; step <= 4; step++) {
        await stepWith(optimizer, commands, gradientsOf(adapter, step), { ...settings, step });
        after.push(await readBuffers(gpu, adapter.params));
      }
      const { matrices } = adapter.segments[0]!;
      optimizer.dispose();
      commands.dispose();
      adapter.dispose();
      return { after, matrices };
    };
    const exact = await run('adamw');
    const rounded = await run('adamw_8bit');
    expect(exact.matrices.some(({ size }) => size < MIN_8BIT_SIZE)).toBe(true);
    exact.matrices.forEach(({ start, size }) => {
      exact.after.forEach((params, i) => {
        const expected = params.subarray(start, start + size);
        const actual = rounded.after[i]!.subarray(start, start + size);
        // Before the first step there is nothing to be rounded.
        if (size < MIN_8BIT_SIZE || i === 0) expect(actual).toEqual(expected);
        else expect(actual).not.toEqual(expected);
        const apart = actual.map((x, k) => Math.abs(x - expected[k]!)).toSorted();
        expect(apart[Math.floor(0.99 * size)]).toBeLessThan((i + 1) * 0.2 * settings.lr);
      });
    });
  });

  it.each(names)('(%s) of a run give the same bits again', async (optimizer) => {
    const run = async () => {
      const decoder = await openDecoder(gpu, files, 'f32');
      const adapter = adapterOf(128);
      const losses: number[] = [];
      await train({
        decoder,
        adapter,
        recipe: { ...recipe, optimizer, lr: 1e-3, batch_size: 2, max_steps: 6, dropout: 0.1 },
        dataset: randomRows([5, 3, 7, 4, 6, 2]),
        evalDataset: null,
        onStep: ({ loss }) => losses.push(loss),
        onEval: () => undefined,
        shouldStop: () => false,
      });
      const params = await readBuffers(gpu, adapter.params);
      adapter.dispose();
      closeDecoder(decoder);
      return { losses, params };
    };
    const first = await run();
    expect(await run()).toEqual(first);
    expect(first.losses).toHaveLength(6);
  });
});

describe('a look at the gradients', () => {
  it.each(names)('(%s) leaves adapter and states alone', async (name) => {
    const decoder = await openDecoder(gpu, files, 'f32');
    const rows = randomRows([5, 3, 7, 4]);
    const run = async (look: boolean) => {
      const adapter = adapterOf(128);
      const runner = new StepRunner(decoder, adapter, name);
      const dropout = { p: 0, seeds: [] };
      const [first, other] = [
        [0, 1],
        [2, 3],
      ].map((which) => buildMicroBatch(rows, [which]));
      await runner.run([first!], dropout, { ...settings, step: 1 });
      const before = await readBuffers(gpu, adapter.params);
      const seen = look ? await runner.run([other!], dropout, null) : null;
      expect(await readBuffers(gpu, adapter.params)).toEqual(before);
      await runner.run([first!], dropout, { ...settings, step: 2 });
      const params = await readBuffers(gpu, adapter.params);
      runner.dispose();
      adapter.dispose();
      return { seen, params };
    };
    const { seen, params } = await run(true);
    expect(seen).toMatchObject({ targets: 9, skipped: false });
    expect(seen!.gradNorm).toBeGreaterThan(0);
    expect(params).toEqual((await run(false)).params);
    closeDecoder(decoder);
  });
});

/** Random gradients of every matrix; zero in the gaps. */
function gradientsOf(adapter: LoraAdapter, seed: number): Float32Array {
  const { count, matrices } = adapter.segments[0]!;
  const flat = new Float32Array(count);
  matrices.forEach(({ start, size }, i) => flat.set(randomArray(1000 * seed + i, size, 1e-3), start));
  return flat;
}

async function stepWith(
  optimizer: Optimizer,
  commands: Commands,
  grads: Float32Array,
  step: AdamWStep,
): Promise<void> {
  optimizer.begin();
  commands.submit();
  upload(gpu, optimizer.grads[0]!, grads);
  await optimizer.finish(step);
}
