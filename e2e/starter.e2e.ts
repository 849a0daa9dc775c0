import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { accessibilityProblems } from './harness/accessibility.ts';
import { browsers } from './harness/browsers.ts';
import { OPEN, unzip } from './harness/job.ts';
import type { Studio } from './harness/studio.ts';
import { wordsOf, type Language } from './harness/words.ts';

/** Software adapters take their time over steps. */
const TRAIN = 300_000;

const kinds = browsers.flatMap(([name, open]) =>
  (['en', 'zh'] as const).map((language): [string, Language, (url: string) => Promise<Studio>] => [
    name,
    language,
    open,
  ]),
);

describe.each(kinds)('the example in %s, %s', (name, language, openStudio) => {
  const words = wordsOf(language);
  let studio: Studio;
  let folder: string;

  beforeAll(async () => {
    studio = await openStudio(inject('studioUrl'));
    folder = await mkdtemp(join(tmpdir(), 'graft-starter-'));
  });
  afterAll(async () => {
    await studio?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const answers = async (): Promise<string[]> => {
    const read = () =>
      studio.evaluate(
        () =>
          [...document.querySelectorAll('.answer')].map((panel) =>
            // Numbers are told of a whole answer only.
            /\d/.test(panel.querySelector('.answer__facts')?.textContent ?? '')
              ? (panel.querySelector('.answer__text')?.textContent ?? '')
              : '',
          ),
        null,
      );
    await expect.poll(async () => (await read()).every(Boolean), { timeout: OPEN, interval: 250 }).toBe(true);
    return read();
  };

  it('goes from one click to a downloaded model', { timeout: TRAIN }, async () => {
    await studio.open();
    await studio.waitForText(/WebGPU is ready|WebGPU 可用/, OPEN);
    if (language === 'zh') await studio.click({ role: 'radio', name: '中文' });
    await studio.click({ role: 'button', name: words('intro.example') });
    await studio.waitForText(words('train.done', { n: 60 }).split('60')[0] + '60', TRAIN);
    expect(await studio.text()).toContain(words('samples.before'));

    await studio.fill(words('try.prompt'), 'Where does Pip live?');
    await studio.click({ role: 'button', name: words('try.compare') });
    const [base, tuned] = await answers();
    expect(base).toMatch(/^Pip lives/);
    expect(tuned).toMatch(/^Pip lives .*Arr, matey!$/);
    expect(await accessibilityProblems(studio)).toEqual([]);
    await studio.screenshot(`starter-${language}`);

    const zip = await studio.download(
      () => studio.click({ role: 'button', name: words('export.downloadMerged') }),
      OPEN,
    );
    await studio.waitForText(words('proof.passed'));
    const merged = await unzip(zip, folder);
    expect((await readdir(merged)).sort()).toEqual([
      'README.md',
      'config.json',
      'generation_config.json',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
    const weights = await readFile(join(merged, 'model.safetensors'));
    expect(weights.length).toBeGreaterThan(1.5e6);
    expect(studio.problems).toEqual([]);
  });

  // Once is enough.
  if (name !== 'chromium' || language !== 'zh') return;
  it('trains on Chinese rows', { timeout: TRAIN }, async () => {
    const path = join(folder, '村庄.jsonl');
    const rows = Array.from({ length: 12 }, (_, i) => ({
      messages: [
        { role: 'user', content: `第${i + 1}个问题：海盗怎么说“你好”？` },
        { role: 'assistant', content: '嗨，伙计！' },
      ],
    }));
    await writeFile(path, rows.map((row) => JSON.stringify(row)).join('\n'));
    const recipe = join(folder, 'recipe.json');
    await writeFile(recipe, JSON.stringify({ rank: 8, lr: 5e-3, max_steps: 8, batch_size: 4 }));
    await studio.dropFiles('[data-drop="data"]', [path]);
    await studio.waitForText('海盗怎么说', OPEN);
    await studio.setFiles('input[accept=".json,application/json"]', [recipe]);
    await studio.click({ role: 'button', name: words('train.again') });
    await studio.waitForText(words('train.done', { n: 8 }).split('8')[0] + '8', TRAIN);
    expect(studio.problems).toEqual([]);
  });
});
