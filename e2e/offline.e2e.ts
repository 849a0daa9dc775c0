import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { preview } from 'vite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sharedPath } from '../src/testing/shared.ts';
import { openChromium } from './harness/chromium.ts';
import { openFirefox } from './harness/firefox.ts';
import { dropModel, OPEN } from './harness/job.ts';
import { root } from './harness/server.ts';
import type { Studio } from './harness/studio.ts';

const READY = 'it opens without a network too';

/** The built page on a server of its own, which can be stopped. */
async function serve(): Promise<{ url: string; stop: () => Promise<void> }> {
  const server = await preview({ root, preview: { host: '127.0.0.1', port: 4400 }, logLevel: 'warn' });
  return { url: server.resolvedUrls!.local[0]!, stop: () => server.close() };
}

describe('without a network', { timeout: 300_000 }, () => {
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
    await dropModel(studio, sharedPath('models/stories260k'));
    await studio.dropFiles('.drop[data-drop="data"]', [sharedPath('data/robot-stories.jsonl')]);
    await studio.waitForText('As the model reads it', OPEN);
    await studio.click({ role: 'button', name: 'Train' });
    await studio.waitForText('Trained 2 steps', OPEN);
    const adapter = await studio.download(
      () => studio!.click({ role: 'button', name: 'Download adapter' }),
      OPEN,
    );
    expect(adapter).toMatch(/\.zip$/);
    expect(studio.problems).toEqual([]);
  });

  it('opens after a first visit, in Firefox', async () => {
    studio = await openFirefox(server.url);
    await studio.open();
    await studio.waitForText(READY, OPEN);
    await server.stop();
    await studio.open('?again');
    await studio.waitForText('Fine-tune a language model in this tab.', OPEN);
    expect(await studio.evaluate(() => crossOriginIsolated, null)).toBe(true);
  });
});
