import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { question, reply } from '../src/testing/baseEnds.ts';
import { robotStories, starter } from '../src/testing/fixtures.ts';
import { browsers } from '../src/testing/browsers/browsers.ts';
import {
  answerOf,
  downloadResult,
  dropData,
  dropModel,
  OPEN,
  train,
  unzip,
} from '../src/testing/browsers/job.ts';
import type { Studio } from '../src/testing/browsers/studio.ts';

const prompt = 'Tell a story about Zip and a red ball.';
/** A quarter of the steps of "Quick test": enough, and software adapters take seconds for each. */
const shortRecipe = {
  rank: 8,
  alpha: 16,
  lr: 1e-2,
  max_steps: 16,
  batch_size: 4,
  max_length: 48,
  eval_fraction: 0,
};

/** Software adapters are slow. */
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

  /** The start of the answer to `prompt`. */
  const shortAnswer = async (side: 'base' | 'tuned') => {
    await studio.view('Chat');
    await studio.fill('Max new tokens', '12');
    return answerOf(studio, side, prompt);
  };

  it('trains on dropped files, compares, and downloads a model that answers the same', async () => {
    await studio.open();
    await studio.waitForText('WebGPU is ready', OPEN);
    await studio.screenshot('1-open');

    await dropModel(studio, starter);
    await studio.screenshot('2-model');

    await dropData(studio, robotStories);
    await studio.waitForText('What the model sees', OPEN);
    await studio.screenshot('3-data');

    expect(await answerOf(studio, 'base', question)).toBe(reply);

    const steps = shortRecipe.max_steps;
    if (name === 'chromium') {
      const recipe = join(folder, 'recipe.json');
      await writeFile(recipe, JSON.stringify(shortRecipe));
      await studio.setFiles('input[accept=".json,application/json"]', [recipe]);
    } else {
      await studio.view('Recipe');
      await studio.click({ role: 'button', name: 'All settings' });
      await studio.click({ role: 'button', name: 'Quick test' });
      await studio.fill('Max steps', String(steps));
      await studio.fill('Learning rate', String(shortRecipe.lr));
      await studio.fill('Max length', String(shortRecipe.max_length));
      await studio.view('Data');
      await studio.click({ role: 'switch', name: 'Hold out rows for evaluation' });
      await studio.waitForText('No rows are held out');
    }
    await studio.view('Train');
    await studio.waitForText(`About ${steps} steps over 240 rows.`);
    await studio.screenshot('4-recipe');

    await train(studio);
    const trained = await studio.waitForText(`Trained ${steps} steps`, TRAIN);
    await studio.screenshot('5-trained');
    const [, first, last] = /Loss went from ([\d.]+) to ([\d.]+)\./.exec(trained) ?? [];
    expect(Number(first)).toBeGreaterThan(1);
    expect(Number(last)).toBeLessThan(Number(first) / 4);

    const tuned = await shortAnswer('tuned');
    expect(tuned).toMatch(/^Zip was a little robot/);
    await studio.screenshot('6-compared');

    const adapter = await downloadResult(studio, 'Download adapter');
    const adapterFolder = await unzip(adapter, folder);
    expect((await readdir(adapterFolder)).sort()).toEqual([
      'README.md',
      'adapter_config.json',
      'adapter_model.safetensors',
      'metrics.jsonl',
      'recipe.json',
      'training.json',
    ]);
    const merged = await downloadResult(studio, 'Download merged model');
    await studio.waitForText('Read back and verified');
    await studio.screenshot('7-exported');
    const mergedFolder = await unzip(merged, folder);
    const wanted = new Set([...(await readdir(starter)), 'README.md']);
    expect((await readdir(mergedFolder)).sort()).toEqual([...wanted].sort());

    // Once: Firefox takes a minute to compile the shaders of a page that was opened anew.
    if (name === 'chromium') {
      await studio.open();
      await studio.waitForText('WebGPU is ready', OPEN);
      await dropModel(studio, mergedFolder);
      expect(await shortAnswer('base')).toBe(tuned);
      await studio.screenshot('8-merged-again');
    }
    expect(studio.problems).toEqual([]);
  });
});
