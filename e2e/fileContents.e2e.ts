import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { accessibilityProblems } from '../src/testing/browsers/accessibility.ts';
import { openChromium, type ChromiumStudio } from '../src/testing/browsers/chromium.ts';
import { OPEN } from '../src/testing/browsers/job.ts';

const row = (name: string, place: string) => ({
  prompt: `Where is ${name}?`,
  completion: `${name} is at the ${place}.`,
});
const hidden = [row('Pip', 'mill')];
const shown = [row('Ada', 'lake'), row('Bo', 'wood'), row('Cy', 'hill')];

describe('how a file is read', () => {
  let studio: ChromiumStudio;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'graft-file-contents-'));
    studio = await openChromium(inject('studioUrl'));
    await studio.open();
    await studio.view('Data');
    await studio.waitForText('Drop a data file here', OPEN);
  });
  afterAll(async () => {
    await studio?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const button = (name: string) => studio.click({ role: 'button', name });

  const drop = async (name: string, content: string | Buffer) => {
    const path = join(folder, name);
    await writeFile(path, content);
    await studio.dropFiles('h1', [path]);
  };

  /** Screenshots and accessibility checks of the page in both themes. */
  const look = async (name: string) => {
    for (const theme of ['dark', 'light'] as const) {
      await studio.colorScheme(theme);
      await expect
        .poll(() => studio.evaluate(() => document.documentElement.dataset.theme, null))
        .toBe(theme);
      expect(await accessibilityProblems(studio)).toEqual([]);
      await studio.screenshot(`${name}-${theme}`);
    }
  };

  it('a list of rows is chosen among several, and changed', async () => {
    await drop('lists.json', JSON.stringify({ meta: { version: 1 }, a: hidden, b: shown }));
    await studio.waitForText(
      'lists.json is one JSON object with several lists that could be the rows: a, b.',
    );
    await look('file-unclear');
    await button('Read “b”');
    const page = await studio.waitForText('Rows from “b”; not read: a');
    expect(page).toContain('Prompt and completion, JSON');
    expect(page).not.toContain('several lists');
    const rows = () => studio.evaluate(() => document.querySelector('.facts .fact')?.textContent ?? '', null);
    expect(await rows()).toBe('Rows3');
    await look('file-list');
    await button('Read “a”');
    await studio.waitForText('Rows from “a”; not read: b');
    expect(await rows()).toBe('Rows1');
  });

  it('many lists are chosen from a menu', async () => {
    const lists = Object.fromEntries(['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => [name, hidden]));
    await drop('many.json', JSON.stringify({ ...lists, f: shown }));
    await studio.waitForText('many.json is one JSON object with several lists');
    await studio.select('List of rows', 'f');
    await studio.waitForText('Rows from “f”; not read: a, b, c, d, e, g');
    expect(await accessibilityProblems(studio)).toEqual([]);
  });

  it('JSONL in UTF-16 named .txt is read and reported as such, in both languages', async () => {
    const lines = shown.map((value) => JSON.stringify(value)).join('\r\n');
    await drop('data.txt', Buffer.from(`\ufeff${lines}`, 'utf16le'));
    await studio.waitForText('Read as JSONL, based on its content · UTF-16 LE');
    await look('file-utf16');
    await studio.click({ role: 'radio', name: '中文' });
    await studio.waitForText('按内容识别为 JSONL · UTF-16 LE');
    await drop('lists.json', JSON.stringify({ a: hidden, b: shown }));
    await studio.waitForText('读取“b”');
    await button('读取“b”');
    await studio.waitForText('数据来自“b”；未读取：a');
    expect(studio.problems).toEqual([]);
  });
});
