import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { browsers } from '../src/testing/browsers/browsers.ts';
import type { Studio } from '../src/testing/browsers/studio.ts';

describe.each(browsers)('%s', (name, openStudio) => {
  let studio: Studio;
  let folder: string;
  let files: string[];

  beforeAll(async () => {
    studio = await openStudio(inject('studioUrl'));
    folder = await mkdtemp(join(tmpdir(), 'graft-e2e-'));
    await mkdir(join(folder, 'model'));
    files = ['model/a.json', 'model/b 2.bin'].map((file) => join(folder, file));
    await writeFile(files[0]!, '{}');
    await writeFile(files[1]!, new Uint8Array(2_000_000).fill(1));
  });
  afterAll(async () => {
    await studio?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('computes on the GPU in a worker of the served page, isolated, with a private file system', async () => {
    await studio.open();
    const result = await studio.evaluate(
      (path) =>
        new Promise((resolve) => {
          const worker = new Worker(path, { type: 'module' });
          worker.onmessage = ({ data }) => resolve(data);
          worker.onerror = ({ message }) => resolve({ error: message || 'the worker did not start' });
        }),
      '/probes/worker.js',
    );
    // SwiftShader has no shader-f16; lavapipe has.
    expect(result).toEqual({
      doubled: [2, 4, 6, 8],
      f16: name === 'firefox',
      privateFileBytes: 3,
      isolated: true,
    });
  });

  it('passes files to the page: set, chosen in the dialog, and dropped', async () => {
    await studio.open('probes/files.html');
    const described = 'a.json:2:248 b 2.bin:2000000:2000000';
    await studio.setFiles('#chosen', files);
    await studio.waitForText(`chosen ${described}`);
    await studio.open('probes/files.html');
    await studio.chooseFiles({ role: 'button', name: 'Choose files' }, files);
    await studio.waitForText(`chosen ${described}`);
    await studio.dropFiles('#zone', files);
    await studio.waitForText(`dropped ${described}`);
    // Chromium accepts a folder as in a real drop.
    await studio.open('probes/files.html');
    await studio.dropFiles('#zone', name === 'chromium' ? [join(folder, 'model')] : files);
    await studio.waitForText(`dropped ${described}`);
  });

  it('selects from a list, and runs a script regardless of the page’s policy', async () => {
    await studio.open('probes/files.html');
    await studio.select('Size', 'Large');
    await studio.runScript('globalThis.size = document.querySelector("#size").value');
    expect(await studio.evaluate(() => (globalThis as { size?: string }).size ?? null, null)).toBe('l');
  });

  it('fills a field, downloads a whole file and takes a picture', async () => {
    await studio.open('probes/files.html');
    await studio.fill('Name', 'Zip');
    const path = await studio.download(() => studio.click({ role: 'button', name: 'Save file' }));
    expect(basename(path)).toBe('saved file.bin');
    expect(await readFile(path, 'utf8')).toBe('hello Zip '.repeat(100_000));
    await studio.screenshot('harness');
  });

  it('collects the errors of the page', async () => {
    await studio.open('probes/files.html');
    const before = studio.problems.length;
    await studio.evaluate(() => {
      console.error('logged');
      setTimeout(() => {
        throw new Error('thrown');
      });
    }, null);
    await expect.poll(() => studio.problems.slice(before).join()).toMatch(/logged.*thrown/);
  });

  it('blocks scripts that are not the page’s own', async () => {
    await studio.open();
    const ran = await studio.evaluate(() => {
      const script = document.createElement('script');
      script.textContent = 'window.injected = true';
      document.body.append(script);
      return 'injected' in window;
    }, null);
    expect(ran).toBe(false);
  });
});
