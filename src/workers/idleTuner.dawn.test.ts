import shaders from 'virtual:shaders';
import { expect, it, vi } from 'vitest';
import { openDawn } from '../cli/dawn.ts';
import { defaultRecipe } from '../config/recipe.ts';
import { openGpu } from '../gpu/device.ts';
import { openModelFiles } from '../model/openModel.ts';
import { resident } from '../model/streaming.ts';
import { sharedFolder } from '../testing/golden.ts';
import { testGpu } from '../testing/gpu.ts';
import { KeptChoices } from '../tuning/keptChoices.ts';
import { IdleTuner } from './idleTuner.ts';

it('measures while there is no job, holds still during one, and goes on after it', async () => {
  const engine = await testGpu();
  const kept = await KeptChoices.open(null, 'adapter');
  let opened = 0;
  const tuner = new IdleTuner(
    () => {
      opened += 1;
      return openGpu(openDawn(), shaders);
    },
    () => Promise.resolve(kept),
    10,
  );
  const recipe = { ...defaultRecipe(), rank: 4, batch_size: 1, max_length: 32 };
  const files = await openModelFiles(sharedFolder('models/stories260k'));
  const measured = () => kept.counts.measured;
  const more = (than: number) =>
    vi.waitFor(() => expect(measured()).toBeGreaterThan(than), { timeout: 30_000, interval: 20 });

  tuner.expect({ files, recipe, data: null, streaming: resident }, engine);
  await more(0);
  const [before, after] = await tuner.aside(async () => {
    const atStart = measured();
    await new Promise((resolve) => setTimeout(resolve, 500));
    return [atStart, measured()];
  });
  expect(after).toBe(before);
  expect(opened).toBe(1);
  await more(after!);
  expect(opened).toBe(2);

  // What a job throws reaches its caller, and the next job comes.
  await expect(tuner.aside(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  tuner.expect(null, null);
  await tuner.aside(() => Promise.resolve());
  const last = measured();
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(measured()).toBe(last);
});
