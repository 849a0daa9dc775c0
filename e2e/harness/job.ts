import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import type { Studio } from './studio.ts';

/** Time for what is no training, in ms: software adapters take theirs over shaders. */
export const OPEN = 300_000;

/** Drops the files of a model folder and waits until it is open. */
export async function dropModel(studio: Studio, path: string): Promise<void> {
  const files = (await readdir(path)).map((file) => join(path, file));
  await studio.dropFiles('.drop[data-drop="model"]', studio.browser === 'chromium' ? [path] : files);
  await studio.waitForText('Vocabulary', OPEN);
}

/** Asks something and returns the whole answer of one side. */
export async function answerOf(
  studio: Studio,
  side: 'base' | 'tuned',
  button: string,
  text: string,
): Promise<string> {
  await studio.fill('Prompt', text);
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

/** Unpacks a zip into `folder` with another program than the one that packed it; returns the path of its one folder. */
export async function unzip(zip: string, folder: string): Promise<string> {
  const { stdout } = await promisify(execFile)('python3', [
    '-c',
    'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; ' +
      'z.extractall(sys.argv[2]); print("\\n".join(z.namelist()))',
    zip,
    folder,
  ]);
  const folders = new Set(
    stdout
      .trim()
      .split('\n')
      .map((path) => path.split('/')[0]!),
  );
  expect(folders.size).toBe(1);
  return join(folder, [...folders][0]!);
}
