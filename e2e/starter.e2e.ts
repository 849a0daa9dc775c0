import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { accessibilityProblems } from '../src/testing/browsers/accessibility.ts';
import { browsers } from '../src/testing/browsers/browsers.ts';
import { answersOf, OPEN, unzip } from '../src/testing/browsers/job.ts';
import type { ChromiumStudio } from '../src/testing/browsers/chromium.ts';
import { Keyboard } from '../src/testing/browsers/keyboard.ts';
import type { Studio } from '../src/testing/browsers/studio.ts';
import { wordsOf, type Language } from '../src/testing/browsers/words.ts';

/** Software adapters are slow. */
const TRAIN = 300_000;

/** Each language in one of the browsers. */
const languages: readonly Language[] = ['en', 'zh'];
const kinds = browsers.map(([name, open], i) => [name, languages[i]!, open] as const);

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

  const isTrained = async () => {
    await studio.waitForText(words('train.done', { n: 40 }).split('40')[0] + '40', TRAIN);
    expect(await studio.text()).toContain(words('samples.before'));
  };

  it.each(name === 'chromium' ? [60] : [])(
    'leads by keyboard to a downloaded adapter, in at most %i keystrokes',
    async (most) => {
      await studio.open();
      await studio.waitForText('WebGPU is ready', OPEN);
      const keyboard = new Keyboard(studio as ChromiumStudio);
      await keyboard.goTo(words('intro.example'));
      await keyboard.press('Enter');
      await isTrained();
      await keyboard.goTo(words('train.seeChange'));
      await keyboard.press('Enter');
      await keyboard.goTo(words('try.prompt'));
      // The example's prompt is there already.
      await keyboard.press('Enter');
      const [base, tuned] = await answersOf(studio, 0);
      expect(base).not.toContain('Arr');
      expect(tuned).toContain('Arr, matey!');
      // Backwards, to the rail.
      await keyboard.goTo(words('view.export'), 'Shift+Tab');
      await keyboard.press('Enter');
      await keyboard.goTo(words('export.downloadAdapter'));
      const zip = await studio.download(() => keyboard.press('Enter'), OPEN);
      expect(await readdir(await unzip(zip, folder))).toContain('adapter_model.safetensors');
      expect(keyboard.keystrokes).toBeLessThanOrEqual(most);
    },
  );
  it.each(name === 'firefox' ? ['one click'] : [])('trains with %s', async () => {
    await studio.open();
    await studio.waitForText(/WebGPU is ready|WebGPU 可用/, OPEN);
    if (language === 'zh') await studio.click({ role: 'radio', name: '中文' });
    await studio.click({ role: 'button', name: words('intro.example') });
    await isTrained();
  });

  it('is asked, and downloaded as a merged model', async () => {
    await studio.view(words('view.chat'));
    if (name === 'chromium') await studio.click({ role: 'button', name: words('chat.clear') });
    await studio.fill(words('try.prompt'), 'Where does Pip live?');
    await studio.click({ role: 'button', name: words('try.send') });
    const [base, tuned] = await answersOf(studio, 0);
    expect(base).toMatch(/^Pip lives/);
    expect(tuned).toMatch(/^Pip lives .*Arr, matey!$/);
    expect(await accessibilityProblems(studio)).toEqual([]);
    await studio.screenshot(`starter-${language}`);

    await studio.view(words('view.export'));
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
  if (name !== 'chromium') return;
  it('trains on Chinese rows', async () => {
    const path = join(folder, '村庄.jsonl');
    const rows = Array.from({ length: 12 }, (_, i) => ({
      messages: [
        { role: 'user', content: `第${i + 1}个问题：海盗怎么说“你好”？` },
        { role: 'assistant', content: '嗨，伙计！' },
      ],
    }));
    await writeFile(path, rows.map((row) => JSON.stringify(row)).join('\n'));
    const recipe = join(folder, 'recipe.json');
    await writeFile(recipe, JSON.stringify({ rank: 8, lr: 5e-3, max_steps: 4, batch_size: 4 }));
    await studio.view(words('view.data'));
    await studio.dropFiles('#data', [path]);
    await studio.waitForText('海盗怎么说', OPEN);
    await studio.setFiles('input[accept=".json,application/json"]', [recipe]);
    await studio.view(words('view.train'));
    await studio.click({ role: 'button', name: words('train.start') });
    await studio.waitForText(words('train.done', { n: 4 }).split('4')[0] + '4', TRAIN);
    expect(studio.problems).toEqual([]);
  });
});
