import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { WAIT, type Studio } from './studio.ts';

/** Time for what is no training, in ms. */
export const OPEN = WAIT;

/** Drops the files of a model folder in the Model view and waits until it is open. */
export async function dropModel(studio: Studio, path: string): Promise<void> {
  const files = (await readdir(path)).map((file) => join(path, file));
  await studio.view('Model');
  await studio.dropFiles('#model', studio.browser === 'chromium' ? [path] : files);
  await studio.waitForText('Vocabulary', OPEN);
}

/** Drops a data file in the Data view. */
export async function dropData(studio: Studio, path: string): Promise<void> {
  await studio.view('Data');
  await studio.dropFiles('#data', [path]);
}

/** Starts training, in the Train view. */
export async function train(studio: Studio, button = 'Train'): Promise<void> {
  await studio.view('Train');
  await studio.click({ role: 'button', name: button });
}

/** Downloads a result, in the Export view; returns its path. */
export async function downloadResult(studio: Studio, button: string): Promise<string> {
  await studio.view('Export');
  return studio.download(() => studio.click({ role: 'button', name: button }), OPEN);
}

/**
 * Asks a prompt in the Chat view, as the first turn of a new conversation, and returns the complete answer of one side: the
 * base is on the left, the adapter on the right.
 */
export async function answerOf(studio: Studio, side: 'base' | 'tuned', text: string): Promise<string> {
  await studio.view('Chat');
  const hasTurns = () => studio.evaluate(() => document.querySelectorAll('#chat .turn').length > 0, null);
  if (await hasTurns()) await studio.click({ role: 'button', name: 'Clear' });
  await studio.fill('Prompt', text);
  await studio.click({ role: 'button', name: 'Send' });
  return (await answersOf(studio, 0))[side === 'base' ? 0 : 1]!;
}

/** The complete answers to a turn of the conversation in the Chat view, from left to right. */
export async function answersOf(studio: Studio, turn: number): Promise<string[]> {
  const read = () =>
    studio.evaluate((at) => {
      const panels = [...(document.querySelectorAll('#chat .turn')[at]?.querySelectorAll('.answer') ?? [])];
      const done = panels.every(
        (panel) =>
          panel.getAttribute('aria-busy') === 'false' &&
          /\d/.test(panel.querySelector('.answer__facts')?.textContent ?? ''),
      );
      return panels.length > 0 && done
        ? panels.map((panel) => panel.querySelector('.answer__text')?.textContent ?? '')
        : null;
    }, turn);
  await expect.poll(read, { timeout: OPEN, interval: 250 }).not.toBeNull();
  return (await read()) ?? [];
}

/**
 * Unpacks a zip into `folder` with another program than the one that packed it; returns the path of its only folder.
 */
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
