import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { accessibilityProblems } from '../src/testing/browsers/accessibility.ts';
import { openChromium } from '../src/testing/browsers/chromium.ts';
import { dropData, dropModel, OPEN, unzip } from '../src/testing/browsers/job.ts';
import { smallSums, smallSumsRecipe, starter } from '../src/testing/fixtures.ts';
import type { Studio } from '../src/testing/browsers/studio.ts';
import { wordsOf } from '../src/testing/browsers/words.ts';

const things = ['ball', 'cat', 'tree', 'boat', 'star', 'bird', 'hat', 'cup'];
const pairs = things.map((thing) => ({
  prompt: `Tell a story about a ${thing}.`,
  chosen: `Zip found a ${thing}.`,
  rejected: 'No, I will not tell a story about that.',
}));
const shortRecipe = { rank: 4, lr: 5e-3, batch_size: 2, max_steps: 6, warmup_steps: 0, eval_fraction: 0 };

describe.each(['en', 'zh'] as const)('preference training in Chromium, %s', (language) => {
  const words = wordsOf(language);
  let studio: Studio;
  let folder: string;

  beforeAll(async () => {
    studio = await openChromium(inject('studioUrl'));
    folder = await mkdtemp(join(tmpdir(), 'graft-preferences-'));
    await studio.open();
    await studio.waitForText(/WebGPU is ready|WebGPU 可用/, OPEN);
    await dropModel(studio, starter);
    const data = join(folder, 'pairs.jsonl');
    await writeFile(data, pairs.map((row) => `${JSON.stringify(row)}\n`).join(''));
    await dropData(studio, data);
    if (language === 'zh') await studio.click({ role: 'radio', name: '中文' });
  });
  afterAll(async () => {
    await studio?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('goes from pairs to an adapter that prefers the better answers', async () => {
    await studio.view(words('view.data'));
    await studio.waitForText(words('data.trainPairs'), OPEN);
    await studio.click({ role: 'button', name: words('data.trainPairs') });
    await studio.waitForText(words('data.preferenceBoth', { objective: 'DPO' }), OPEN);
    // Both answers, each after its prompt.
    const shown = await studio.waitForText(/Zip found a ball[^]*No, I will not/, OPEN);
    expect(shown.match(/Tell a story about a ball/g)).toHaveLength(2);
    for (const key of ['data.answer.better', 'data.answer.worse'] as const)
      expect(shown).toContain(words(key));
    await studio.screenshot(`preferences-data-${language}`);
    expect(await accessibilityProblems(studio)).toEqual([]);

    const recipe = join(folder, 'recipe.json');
    await writeFile(recipe, JSON.stringify({ ...shortRecipe, objective: 'dpo' }));
    await studio.setFiles('input[accept=".json,application/json"]', [recipe]);
    await studio.view(words('view.train'));
    await studio.click({ role: 'button', name: words('train.start') });
    await studio.waitForText(words('train.done', { n: 6 }).split('6')[0] + '6', OPEN);
    const trained = await studio.waitForText(words('train.margin'));
    expect(trained).toContain(words('train.accuracy'));
    // Nothing is held out: a sweep could compare nothing.
    await studio.click({ role: 'button', name: words('sweep.title') });
    await studio.waitForText(words('sweep.noHeldOut'));
    await studio.screenshot(`preferences-trained-${language}`);
    expect(await accessibilityProblems(studio)).toEqual([]);

    await studio.view(words('view.export'));
    const save = () => studio.click({ role: 'button', name: words('export.downloadAdapter') });
    const zip = await studio.download(save, OPEN);
    const adapter = await unzip(zip, folder);
    expect(await readdir(adapter)).toContain('adapter_model.safetensors');
    const lines = (await readFile(join(adapter, 'metrics.jsonl'), 'utf8')).trim().split('\n');
    const margins = lines.map((line) => (JSON.parse(line) as { margin: number }).margin);
    expect(margins).toHaveLength(6);
    expect(margins.at(-1)).toBeGreaterThan(margins[0]! + 0.1);
    expect(studio.problems).toEqual([]);
  });

  it.each(language === 'en' ? ['sums'] : [])('goes from the sample of %s to rewarded answers', async () => {
    await dropData(studio, smallSums);
    await studio.waitForText('small-sums.jsonl', OPEN);
    const recipe = join(folder, 'sums.json');
    const sample = JSON.parse(await readFile(smallSumsRecipe, 'utf8')) as { rewards: object[] };
    // A recipe of others brings a function, which is changed here.
    const source = '(text, row) => (typeof row.answer === "string" ? 0.5 : 0)';
    const rewards = [...sample.rewards, { kind: 'javascript', source: '() => 0.75' }];
    const few = { max_steps: 2, batch_size: 2, num_generations: 4, eval_fraction: 0, eval_steps: 1, rewards };
    await writeFile(recipe, JSON.stringify({ ...sample, ...few }));
    await studio.view('Recipe');
    await studio.setFiles('input[accept=".json,application/json"]', [recipe]);
    await studio.click({ role: 'button', name: 'All settings' });
    await studio.fill('Code of “javascript”', source);
    await studio.screenshot('grpo-code');
    await studio.view('Train');
    await studio.click({ role: 'button', name: 'Train again' });
    await studio.waitForText('Run the function “javascript”?');
    await studio.waitForText(source);
    await studio.screenshot('grpo-function');
    expect(await accessibilityProblems(studio)).toEqual([]);
    await studio.click({ role: 'button', name: 'Allow it' });
    await studio.waitForText('Sampled answers, step 2', OPEN);
    const trained = await studio.waitForText('Spread of rewards', OPEN);
    expect(trained).toMatch(/\d\+\d=/);
    const shown = await studio.evaluate(
      () => [...document.querySelectorAll('.completions__reward')].map(({ textContent }) => textContent),
      null,
    );
    expect(shown).toHaveLength(4);
    for (const reward of shown) expect(reward).toMatch(/^[01]\.50?$/);
    await studio.screenshot('grpo-trained');
    expect(await accessibilityProblems(studio)).toEqual([]);
    expect(studio.problems).toEqual([]);
  });
});
