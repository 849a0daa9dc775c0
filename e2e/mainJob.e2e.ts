import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { sharedPath } from '../src/testing/shared.ts';
import { browsers } from './harness/browsers.ts';
import type { Studio } from './harness/studio.ts';

const model = sharedPath('models/stories260k');
const prompt = 'Tell a story about Zip and a red ball.';

/** Software adapters take their time over shaders and steps. */
const OPEN = 120_000;
const TRAIN = 600_000;

describe.each(browsers)('the main job in %s', (_name, openStudio) => {
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

  it('trains on dropped files, compares, and downloads a model that answers the same', async () => {
    await studio.open();
    await studio.waitForText('WebGPU is ready', OPEN);
    await studio.screenshot('1-open');

    await dropModel(studio, model);
    await studio.screenshot('2-model');

    await studio.dropFiles('[data-drop="data"]', [sharedPath('data/robot-stories.jsonl')]);
    await studio.waitForText('As the model reads it', OPEN);
    await studio.screenshot('3-data');

    await studio.click({ role: 'button', name: 'Quick try' });
    await studio.screenshot('4-recipe');

    await studio.click({ role: 'button', name: 'Train' });
    const trained = await studio.waitForText(/Trained 60 steps/, TRAIN);
    await studio.screenshot('5-trained');
    const [, first, last] = /Loss went from ([\d.]+) to ([\d.]+)\./.exec(trained) ?? [];
    expect(Number(first)).toBeGreaterThan(1);
    expect(Number(last)).toBeLessThan(0.3);

    const tuned = await answerOf(studio, 'tuned', 'Compare');
    expect(tuned).toMatch(/^Zip was a little robot/);
    await studio.screenshot('6-compared');

    const adapter = await studio.download(
      () => studio.click({ role: 'button', name: 'Download adapter' }),
      OPEN,
    );
    expect(await unzip(adapter, folder)).toEqual(['adapter_config.json', 'adapter_model.safetensors']);
    const merged = await studio.download(
      () => studio.click({ role: 'button', name: 'Download merged model' }),
      OPEN,
    );
    await studio.waitForText('Read back and proved');
    await studio.screenshot('7-exported');
    expect(await unzip(merged, folder)).toEqual((await readdir(model)).sort());

    await studio.open();
    await studio.waitForText('WebGPU is ready', OPEN);
    await dropModel(studio, join(folder, 'stories260k-merged'));
    expect(await answerOf(studio, 'base', 'Ask the model')).toBe(tuned);
    await studio.screenshot('8-merged-again');
    expect(studio.problems).toEqual([]);
  });
});

/** Drops the files of a model folder and waits until it is open. */
async function dropModel(studio: Studio, path: string): Promise<void> {
  const files = (await readdir(path)).map((file) => join(path, file));
  await studio.dropFiles('[data-drop="model"]', studio.browser === 'chromium' ? [path] : files);
  await studio.waitForText('Vocabulary', OPEN);
}

/** Asks the prompt and returns the whole answer of one side. */
async function answerOf(studio: Studio, side: 'base' | 'tuned', button: string): Promise<string> {
  await studio.fill('Prompt', prompt);
  await studio.click({ role: 'button', name: button });
  const read = () =>
    studio.evaluate((wanted) => {
      const panel = document.querySelector(`.answer[data-side="${wanted}"]`);
      const done = panel?.querySelector('.answer__facts')?.textContent?.includes('a second');
      return done ? (panel?.querySelector('.answer__text')?.textContent ?? null) : null;
    }, side);
  await expect.poll(read, { timeout: OPEN, interval: 250 }).not.toBeNull();
  return (await read()) ?? '';
}

/** Unpacks a zip into `folder`; returns the names of the files in its one folder. */
async function unzip(zip: string, folder: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)('python3', [
    '-c',
    'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; ' +
      'z.extractall(sys.argv[2]); print("\\n".join(z.namelist()))',
    zip,
    folder,
  ]);
  return stdout
    .trim()
    .split('\n')
    .map((path) => path.split('/')[1]!)
    .sort();
}
