import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { writeRandomAdapter, writeTinyStories } from '../src/testing/tinyStories.ts';
import { openChromium } from '../src/testing/browsers/chromium.ts';
import { dropModel } from '../src/testing/browsers/job.ts';
import type { Studio } from '../src/testing/browsers/studio.ts';

let studio: Studio;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'graft-saved-'));
  studio = await openChromium(inject('studioUrl'));
});
afterAll(async () => {
  await studio?.close();
  await rm(folder, { recursive: true, force: true });
});

const press = (name: string) => studio.click({ role: 'button', name });

/** In place of the browser's own dialog: a folder of the origin private file system, of the same kind. */
async function chooseFolder(name: string): Promise<void> {
  await studio.evaluate((folder) => {
    window.showDirectoryPicker = async () =>
      (await navigator.storage.getDirectory()).getDirectoryHandle(folder, { create: true });
  }, name);
}

it('saves a merged model to a folder, says so when it is there already, and leaves another one alone', async () => {
  await studio.open();
  await studio.waitForText('WebGPU is ready');
  const model = writeTinyStories(folder);
  await dropModel(studio, model);
  const adapter = join(folder, 'random-adapter');
  await mkdir(adapter);
  await writeRandomAdapter(model, adapter);
  await studio.dropFiles('h1', [adapter]);
  await studio.waitForText('rank 8, 35 modules');
  await studio.view('Export');
  await chooseFolder('mine');
  await press('Save to folder');
  await studio.waitForText('Saved to the folder “mine”.');
  await press('Save to folder');
  const shown = await studio.waitForText('The folder “mine” already held exactly this model.');
  expect(shown).toContain('Read back and verified');
  const results = await studio.evaluate(
    () => [...document.querySelectorAll('option')].map(({ text }) => text),
    null,
  );
  await studio.select(
    'Output',
    results.find((text) => text.startsWith('4-bit NF4'))!,
  );
  await press('Save to folder');
  await studio.waitForText('The folder “mine” already holds a model, and not the one that this merge makes');
  await chooseFolder('another');
  await press('Save to folder');
  await studio.waitForText('Saved to the folder “another”.');
  expect(studio.problems).toEqual([]);
});
