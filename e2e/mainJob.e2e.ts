import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { sharedPath } from '../src/testing/shared.ts';
import { browsers } from './harness/browsers.ts';
import { answerOf, dropModel, OPEN, unzip } from './harness/job.ts';
import type { Studio } from './harness/studio.ts';

const model = sharedPath('models/stories260k');
const prompt = 'Tell a story about Zip and a red ball.';
/** What the base model says from its first token on, as its card tells. */
const ownStory =
  'Once upon a time, there was a little girl named Lily. She loved to play outside in the park. One day, she saw ' +
  'a big, red ball. She wanted to play with it, but it was too high.';
/** Half the steps of "Quick try": enough, and SwiftShader takes seconds for each. */
const shortRecipe = { rank: 8, alpha: 16, lr: 5e-3, max_steps: 30, batch_size: 4 };

/** Software adapters take their time over steps. */
const TRAIN = 900_000;

describe.each(browsers)('the main job in %s', (name, openStudio) => {
  let studio: Studio;
  let folder: string;

  beforeAll(async () => {
    studio = await openStudio(inject('studioUrl'));
    folder = await mkdtemp(join(tmpdir(), 'graft-main-job-'));
  });
  afterAll(async () => {
    await studio?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it(
    'trains on dropped files, compares, and downloads a model that answers the same',
    { timeout: 2 * TRAIN },
    async () => {
      await studio.open();
      await studio.waitForText('WebGPU is ready', OPEN);
      await studio.screenshot('1-open');

      await dropModel(studio, model);
      await studio.screenshot('2-model');

      await studio.dropFiles('.drop[data-drop="data"]', [sharedPath('data/robot-stories.jsonl')]);
      await studio.waitForText('As the model reads it', OPEN);
      await studio.screenshot('3-data');

      await studio.click({ role: 'button', name: 'How answers are drawn' });
      await studio.click({ role: 'switch', name: 'Continue the text' });
      const begun = await answerOf(studio, 'base', 'Ask the model', '');
      expect(begun.slice(0, ownStory.length)).toBe(ownStory);
      await studio.click({ role: 'switch', name: 'Continue the text' });

      const steps = name === 'chromium' ? shortRecipe.max_steps : 60;
      if (name === 'chromium') {
        const recipe = join(folder, 'recipe.json');
        await writeFile(recipe, JSON.stringify(shortRecipe));
        await studio.setFiles('input[accept=".json,application/json"]', [recipe]);
      } else {
        await studio.click({ role: 'button', name: 'Quick try' });
      }
      await studio.waitForText(`About ${steps} steps over 240 rows.`);
      await studio.screenshot('4-recipe');

      await studio.click({ role: 'button', name: 'Train' });
      const trained = await studio.waitForText(`Trained ${steps} steps`, TRAIN);
      await studio.screenshot('5-trained');
      const [, first, last] = /Loss went from ([\d.]+) to ([\d.]+)\./.exec(trained) ?? [];
      expect(Number(first)).toBeGreaterThan(1);
      expect(Number(last)).toBeLessThan(0.3);

      const tuned = await answerOf(studio, 'tuned', 'Compare', prompt);
      expect(tuned).toMatch(/^Zip was a little robot/);
      await studio.screenshot('6-compared');

      const adapter = await studio.download(
        () => studio.click({ role: 'button', name: 'Download adapter' }),
        OPEN,
      );
      const adapterFolder = await unzip(adapter, folder);
      expect((await readdir(adapterFolder)).sort()).toEqual([
        'README.md',
        'adapter_config.json',
        'adapter_model.safetensors',
        'training.json',
      ]);
      const merged = await studio.download(
        () => studio.click({ role: 'button', name: 'Download merged model' }),
        OPEN,
      );
      await studio.waitForText('Read back and proved');
      await studio.screenshot('7-exported');
      const mergedFolder = await unzip(merged, folder);
      const wanted = new Set([...(await readdir(model)), 'README.md']);
      expect((await readdir(mergedFolder)).sort()).toEqual([...wanted].sort());

      await studio.open();
      await studio.waitForText('WebGPU is ready', OPEN);
      await dropModel(studio, mergedFolder);
      expect(await answerOf(studio, 'base', 'Ask the model', prompt)).toBe(tuned);
      await studio.screenshot('8-merged-again');
      expect(studio.problems).toEqual([]);
    },
  );
});
