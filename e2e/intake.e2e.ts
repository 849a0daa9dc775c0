import { execFileSync } from 'node:child_process';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { accessibilityProblems } from '../src/testing/browsers/accessibility.ts';
import { openChromium, type ChromiumStudio } from '../src/testing/browsers/chromium.ts';
import { openFirefox } from '../src/testing/browsers/firefox.ts';
import { OPEN, train } from '../src/testing/browsers/job.ts';
import type { Studio } from '../src/testing/browsers/studio.ts';
import { pythonEncoded } from '../src/testing/encodings.ts';
import { writeTinyStories } from '../src/testing/tinyStories.ts';

const rows = (count: number) =>
  Array.from(
    { length: count },
    (_, at) => `{"prompt":"Question ${at}?","completion":"Answer ${at}."}\n`,
  ).join('');
const chinese = '问题,回答\n今天天气怎么样？,今天天气很好，我们可以去公园散步。\n你是谁？,我是一个机器人。\n';
const gguf = Buffer.from(
  'GGUF\x03\0\0\0\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x14\0\0\0\0\0\0\0general.architecture\x08\0\0\0\x05\0\0\0\0\0\0\0qwen2',
  'latin1',
);
const database = Buffer.from('SQLite format 3\0\x10\0\x01\x01\0@  ', 'latin1');
const png = Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'latin1');

/** Shown facts, each as its name and value. */
const facts = (studio: Studio) =>
  studio.evaluate(() => [...document.querySelectorAll('.facts .fact')].map((fact) => fact.textContent), null);
/** Accessible name of the view that is shown. */
const view = (studio: Studio) =>
  studio.evaluate(() => document.querySelector('nav [aria-current]')?.textContent ?? '', null);

let folder: string;
let model: string;
const file = async (name: string, content: string | Uint8Array): Promise<string> => {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'graft-intake-'));
  model = writeTinyStories(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.each(['chromium', 'firefox'] as const)('dropped anywhere in %s', (browser) => {
  let studio: Studio;

  beforeAll(async () => {
    const open = { chromium: openChromium, firefox: openFirefox }[browser];
    studio = await open(inject('studioUrl'));
    await studio.open();
    await studio.waitForText('WebGPU is ready', OPEN);
  });
  afterAll(async () => studio?.close());

  it('compressed data is read, and shown where it belongs', async () => {
    await studio.dropFiles('h1', [await file('rows.jsonl.gz', gzipSync(rows(7)))]);
    await studio.waitForText('rows.jsonl.gz', OPEN);
    await expect.poll(() => facts(studio), { timeout: OPEN }).toContain('Rows7');
    expect(await view(studio)).toContain('Data');
  });

  it('a table in GB18030 is read, says so, and can be read otherwise', async () => {
    await studio.view('Model');
    await studio.dropFiles('#model', [await file('chinese.csv', pythonEncoded(chinese, 'gb18030'))]);
    await studio.waitForText('我是一个机器人', OPEN);
    const encoding = () =>
      studio.evaluate(() => document.querySelector<HTMLSelectElement>('.file-facts select')?.value, null);
    expect(await encoding()).toBe('gb18030');
    await studio.select('Encoding', 'Windows-1252 (Latin-1)');
    await studio.waitForText('½ñÌì', OPEN);
    await studio.select('Encoding', 'GB18030 (GBK)');
    await studio.waitForText('我是一个机器人', OPEN);
  });

  it('what cannot be opened is named, with what to do, where the user is', async () => {
    await studio.view('Recipe');
    await studio.dropFiles('h1', [await file('rows.db', database), await file('photo.jsonl', png)]);
    const shown = await studio.waitForText('photo.jsonl is an image; Graft trains on text.', OPEN);
    expect(shown).toContain('rows.db is an SQLite database, which Graft does not read.');
    expect(await view(studio)).toContain('Recipe');
    expect(await studio.evaluate(() => document.activeElement?.className, null)).toBe('intake__refused');
    await studio.screenshot('intake-refused');
    for (const name of ['rows.db', 'photo.jsonl']) {
      await studio.click({ role: 'button', name: `Dismiss: ${name}` });
      await expect.poll(() => studio.text()).not.toContain(name);
    }
  });

  it('a GGUF file is opened as a model, and one that was cut says so', async () => {
    await studio.view('Recipe');
    await studio.dropFiles('h1', [await file('qwen.gguf', gguf)]);
    await studio.waitForText('goes on to byte 77, but the file has only 69 bytes.', OPEN);
    expect(await view(studio)).toContain('Model');
    await studio.screenshot('intake-gguf');
  });

  it('several data files are joined on request', async () => {
    await studio.dropFiles('h1', [
      await file('b.jsonl', rows(3)),
      await file('a.csv', 'prompt,completion\nHi,Ahoy\n'),
    ]);
    const shown = await studio.waitForText('2 data files came together', OPEN);
    expect(shown).toMatch(/a\.csv\s*1 row .*\s*Open\s*b\.jsonl\s*3 rows/);
    await studio.screenshot('intake-join');
    await studio.click({ role: 'button', name: 'Join them: 4 rows' });
    await studio.waitForText('a + b.jsonl', OPEN);
    await expect.poll(() => facts(studio), { timeout: OPEN }).toContain('Rows4');
    expect(studio.problems).toEqual([]);
  });
});

describe('models and a busy page', () => {
  let studio: ChromiumStudio;

  beforeAll(async () => {
    studio = await openChromium(inject('studioUrl'));
    await studio.open();
    await studio.waitForText('WebGPU is ready', OPEN);
  });
  afterAll(async () => studio?.close());

  const drop = (...paths: string[]) => studio.dropFiles('h1', paths);
  const title = () =>
    studio.evaluate(() => document.querySelector('#model .card-title h3')?.textContent, null);
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

  it('a model is opened from a zip', async () => {
    const zip = join(folder, 'zipped.zip');
    execFileSync('python3', ['-m', 'zipfile', '-c', zip, model]);
    await drop(zip);
    await studio.waitForText('Vocabulary', OPEN);
    expect(await title()).toBe('tiny-stories');
    expect(await view(studio)).toContain('Model');
  });

  it('two models dropped fast are both opened, the last one last', async () => {
    for (const name of ['first', 'second']) await cp(model, join(folder, name), { recursive: true });
    await drop(join(folder, 'first'));
    await drop(join(folder, 'second'));
    await expect.poll(title, { timeout: OPEN }).toBe('second');
  });

  it('of several models in one folder one is chosen', async () => {
    await cp(model, join(folder, 'both', 'alpha'), { recursive: true });
    await cp(model, join(folder, 'both', 'beta'), { recursive: true });
    await drop(join(folder, 'both'));
    await studio.waitForText('2 models came together', OPEN);
    await look('intake-models');
    await studio.click({ role: 'button', name: 'Open beta' });
    await expect.poll(title, { timeout: OPEN }).toBe('beta');
  });

  it('while files are dragged the page says what will happen', async () => {
    const drag = (type: string) =>
      studio.evaluate((name) => {
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File(['x'], 'x.jsonl'));
        document.body.dispatchEvent(new DragEvent(name, { bubbles: true, cancelable: true, dataTransfer }));
      }, type);
    await drag('dragover');
    await studio.waitForText('Drop anywhere');
    await studio.screenshot('intake-drag');
    await drag('dragleave');
    await expect.poll(() => studio.text()).not.toContain('Drop anywhere');
  });

  it('what is dropped during training waits in words, and opens when it has ended', async () => {
    await drop(await file('recipe.json', JSON.stringify({ epochs: 400, batch_size: 1, eval_fraction: 0 })));
    await expect.poll(() => view(studio), { timeout: OPEN }).toContain('Recipe');
    await drop(await file('train.jsonl', rows(20)));
    await expect.poll(() => facts(studio), { timeout: OPEN }).toContain('Rows20');
    await train(studio);
    await studio.waitForText(/Step [1-9]/, OPEN);
    await drop(await file('later.jsonl', rows(5)));
    await studio.waitForText('The data later.jsonl opens when the training has ended.', OPEN);
    await drop(await file('never.jsonl', rows(6)));
    await studio.waitForText('never.jsonl', OPEN);
    await look('intake-queue');
    await studio.resize(390, 844);
    await studio.screenshot('intake-queue-phone');
    await studio.resize(1280, 900);
    await studio.click({ role: 'radio', name: '中文' });
    await studio.waitForText('数据 later.jsonl 将在训练结束后打开。');
    await studio.screenshot('intake-queue-zh');
    await studio.click({ role: 'radio', name: 'English' });
    await studio.waitForText('opens when the training has ended');
    await studio.click({ role: 'button', name: 'Don’t open never.jsonl' });
    await studio.click({ role: 'button', name: 'Stop and keep the adapter' });
    await expect.poll(() => facts(studio), { timeout: OPEN }).toContain('Rows5');
    expect(await studio.text()).not.toContain('never.jsonl');
    expect(studio.problems).toEqual([]);
  });
});
