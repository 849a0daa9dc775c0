import shaders from 'virtual:shaders';
import { expect, it, vi } from 'vitest';
import { openDawn } from '../../hosts/node/dawn.ts';
import { defaultRecipe } from '../../base/config/recipe.ts';
import { openGpu } from '../../engine/gpu/device.ts';
import { openModelFiles } from '../../engine/model/spec/openModel.ts';
import { resident } from '../../engine/model/weights/streaming.ts';
import { modelFolder } from '../../testing/golden.ts';
import { testGpu } from '../../testing/gpu.ts';
import { patience } from '../../testing/patience.ts';
import { TunedKernels } from './tunedKernels.ts';
import { IdleTuner } from './idleTuner.ts';

const PATIENCE = 10;
/** Fires behind a timer that the tuner has set before. */
const later = () => new Promise((resolve) => setTimeout(resolve, PATIENCE));

it('measures while there is no job, holds still during one, and goes on after it', async () => {
  const engine = await testGpu();
  const kept = await TunedKernels.open(null, 'adapter');
  let opened = 0;
  let openedBeside = 0;
  let isJob = false;
  const tuner = new IdleTuner(
    () => {
      opened += 1;
      if (isJob) openedBeside += 1;
      return openGpu(openDawn(), shaders);
    },
    () => Promise.resolve(kept),
    PATIENCE,
  );
  const recipe = { ...defaultRecipe(), rank: 4, batch_size: 1, max_length: 32 };
  const files = await openModelFiles(modelFolder('starter'));
  const measured = () => kept.counts.measured;
  const more = (than: number) => vi.waitFor(() => expect(measured()).toBeGreaterThan(than), patience);

  tuner.expect({ files, recipe, data: null, streaming: resident }, engine);
  await more(0);
  const [before, after] = await tuner.aside(async () => {
    isJob = true;
    const atStart = measured();
    await later();
    isJob = false;
    return [atStart, measured()];
  });
  expect(after).toBe(before);
  expect(opened).toBe(1);
  await more(after!);
  expect([opened, openedBeside]).toEqual([2, 0]);

  // What a job throws reaches its caller, and the next job comes.
  await expect(tuner.aside(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  tuner.expect(null, null);
  await tuner.aside(() => Promise.resolve());
  const last = measured();
  await later();
  expect(measured()).toBe(last);
});
