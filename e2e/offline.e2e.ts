import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { preview } from 'vite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { robotStories } from '../src/testing/fixtures.ts';
import { writeTinyStories } from '../src/testing/tinyStories.ts';
import { openChromium } from '../src/testing/browsers/chromium.ts';
import { openFirefox } from '../src/testing/browsers/firefox.ts';
import { downloadResult, dropData, dropModel, OPEN, train } from '../src/testing/browsers/job.ts';
import { root } from '../src/testing/browsers/builtStudio.ts';
import type { Studio } from '../src/testing/browsers/studio.ts';

const READY = 'This page also works offline';

/** The built page on a separate server, which can be stopped. */
async function serve(): Promise<{ url: string; stop: () => Promise<void> }> {
  const build = { outDir: inject('studioFolder') };
  const server = await preview({ root, build, preview: { host: '127.0.0.1', port: 4400 }, logLevel: 'warn' });
  return { url: server.resolvedUrls!.local[0]!, stop: () => server.close() };
}

describe('without a network', () => {
  let server: Awaited<ReturnType<typeof serve>>;
  let studio: Studio | null = null;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'graft-offline-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  beforeEach(async () => {
    server = await serve();
  });
  afterEach(async () => {
    await studio?.close();
    await server.stop().catch(() => undefined);
  });

  it('trains after a first visit, in Chromium', async () => {
    studio = await openChromium(server.url);
    await studio.open();
    await studio.waitForText(READY, OPEN);
    await server.stop();

    await studio.open();
    await studio.waitForText('WebGPU is ready', OPEN);
    expect(await studio.evaluate(() => crossOriginIsolated, null)).toBe(true);
    const recipe = join(folder, 'recipe.json');
    await writeFile(recipe, JSON.stringify({ rank: 2, alpha: 4, lr: 5e-3, max_steps: 2, batch_size: 2 }));
    await studio.setFiles('input[accept=".json,application/json"]', [recipe]);
    await dropModel(studio, writeTinyStories(folder));
    await dropData(studio, robotStories);
    await studio.waitForText('What the model sees', OPEN);
    await train(studio);
    await studio.waitForText('Trained 2 steps', OPEN);
    const adapter = await downloadResult(studio, 'Download adapter');
    expect(adapter).toMatch(/\.zip$/);
    expect(studio.problems).toEqual([]);
  });

  it('opens after a first visit, in Firefox', async () => {
    studio = await openFirefox(server.url);
    await studio.open();
    await studio.waitForText(READY, OPEN);
    await server.stop();
    await studio.open('?again');
    await studio.waitForText('Fine-tune a language model in your browser', OPEN);
    expect(await studio.evaluate(() => crossOriginIsolated, null)).toBe(true);
  });
});
