import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { accessibilityProblems } from '../src/testing/browsers/accessibility.ts';
import { openChromium, type ChromiumStudio } from '../src/testing/browsers/chromium.ts';
import { dropData, dropModel, OPEN } from '../src/testing/browsers/job.ts';
import { robotStories } from '../src/testing/fixtures.ts';
import { writeTinyStories } from '../src/testing/tinyStories.ts';

describe('the recipe', () => {
  let studio: ChromiumStudio;
  let folder: string;

  beforeAll(async () => {
    studio = await openChromium(inject('studioUrl'));
    folder = await mkdtemp(join(tmpdir(), 'graft-recipe-'));
    await studio.resize(1280, 900);
    await studio.open();
    await studio.waitForText('WebGPU is ready', OPEN);
    await dropModel(studio, writeTinyStories(folder));
  });
  afterAll(async () => {
    await studio?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const radio = (name: string) => studio.click({ role: 'radio', name });
  const button = (name: string) => studio.click({ role: 'button', name });
  /** The checked answers, and what each question says of its settings. */
  const asked = () =>
    studio.evaluate(
      () =>
        [...document.querySelectorAll('.recipe-question')].map((ask) => ({
          answer: ask.querySelector('[role="radio"][aria-checked="true"]')?.ariaLabel ?? null,
          own: ask.querySelector('.recipe-question__own') !== null,
          moves: (ask.querySelector('.recipe-question__moves') as HTMLElement).innerText.replace(/\s+/g, ' '),
        })),
      null,
    );
  const size = () =>
    studio.evaluate(
      () => [document.documentElement.scrollWidth, document.documentElement.scrollHeight],
      null,
    );
  const settingsShown = () =>
    studio.evaluate(
      () =>
        [...document.querySelectorAll('.settings .recipe-field')].filter((one) => one.checkVisibility())
          .length,
      null,
    );
  const focus = (name: string) =>
    studio.evaluate((label) => {
      const fields = [...document.querySelectorAll<HTMLInputElement>('.settings input, .settings select')];
      fields.find((one) => one.labels?.[0]?.textContent === label)?.focus();
    }, name);

  it('is three questions that suit the model, each moving several settings, on one screen', async () => {
    await dropData(studio, robotStories);
    await studio.waitForText('24 of 240 rows are held out and not trained on', OPEN);
    await studio.view('Recipe');
    await studio.waitForText('216 rows, 24 held out');
    const first = await asked();
    expect(first.map(({ answer, own }) => [answer, own])).toEqual([
      ['Normal', false],
      ['A task', false],
      ['Plenty', false],
    ]);
    // A small model takes another rate than the default.
    expect(first[1]!.moves).toContain('Learning rate 2e-4 → 3e-3');
    await radio('Knowledge');
    await radio('Thorough');
    await radio('Little');
    const [length, goal, memory] = await asked();
    expect(length!.moves).toMatch(/Epochs 6/);
    expect(length!.moves).toContain('Warmup steps 10');
    expect(goal!.moves).toContain('Rank 32');
    expect(memory!.moves).toMatch(
      /Method LoRA → QLoRA \(4-bit\).*Batch size 4 → 1.*Gradient accumulation 1 → 4/,
    );
    await radio('A task');
    expect((await asked())[1]!.moves).toMatch(/Rank 32 → 16.*Learning rate 1.5e-3 → 3e-3/);
    await studio.waitForText(/Calculated on your data/, OPEN);
    expect(await accessibilityProblems(studio)).toEqual([]);
    await studio.screenshot('recipe-questions');
    await expect.poll(size, { timeout: 10_000 }).toEqual([1280, 900]);
  });

  it('previews an answer to the keyboard and to a screen reader before it is given', async () => {
    await studio.evaluate(
      () => document.querySelector<HTMLElement>('[role="radio"][aria-label="A task"]')?.focus(),
      null,
    );
    await studio.press('ArrowLeft');
    const looked = () =>
      studio.evaluate(() => {
        const { activeElement: at } = document;
        const description = at && document.getElementById(at.getAttribute('aria-describedby') ?? '');
        return [at?.ariaLabel, at?.ariaChecked, description?.textContent];
      }, null);
    const [name, checked, description] = await looked();
    expect([name, checked]).toEqual(['Style', 'false']);
    expect(description).toContain('tone, format');
    expect(description).toContain('Rank from 16 to 8');
    await studio.waitForText('Would change:');
    expect((await asked())[1]!.answer).toBe('A task');
    await studio.press('Enter');
    await expect.poll(async () => (await asked())[1]!.answer).toBe('Style');
  });

  it('has all settings in a list that is searched in both languages, with help for the one at hand', async () => {
    await button('All settings');
    const all = await settingsShown();
    expect(all).toBeGreaterThan(35);
    const about = () => studio.evaluate(() => document.querySelector('.settings__about')?.textContent, null);
    expect(await about()).toContain('Focus a setting');
    await focus('Rank');
    await expect.poll(about).toContain('How much the adapter can learn');
    const described = await studio.evaluate(() => {
      const { activeElement: at } = document;
      return (at?.getAttribute('aria-describedby') ?? '')
        .split(' ')
        .map((id) => document.getElementById(id)?.textContent)
        .join(' ');
    }, null);
    expect(described).toContain('How much the adapter can learn');
    await studio.fill('Search settings', 'warmup');
    await expect.poll(settingsShown).toBe(1);
    await studio.fill('Search settings', '学习率');
    await expect.poll(settingsShown).toBeGreaterThan(1);
    await studio.waitForText('Learning rate');
    await studio.fill('Search settings', 'no such thing');
    await studio.waitForText('No setting matches.');
    await studio.fill('Search settings', '');
    await expect.poll(settingsShown).toBe(all);
    expect(await accessibilityProblems(studio)).toEqual([]);
  });

  it('says own settings where none of the answers is right, lists what was changed, and resets one', async () => {
    await radio('Normal');
    await radio('Plenty');
    await radio('A task');
    await studio.fill('Rank', '12');
    expect((await asked()).map(({ answer, own }) => [answer, own])).toEqual([
      ['Normal', false],
      [null, true],
      ['Plenty', false],
    ]);
    const text = await studio.waitForText(/Changed \(\d\)/);
    const changed = Number(/Changed \((\d)\)/.exec(text)![1]);
    await button(`Changed (${changed})`);
    await expect.poll(settingsShown).toBe(changed);
    await studio.screenshot('recipe-changed');
    await button('Reset Rank to default 16');
    await expect.poll(async () => (await asked())[1]!.answer).toBe('A task');
    await expect.poll(settingsShown).toBe(changed - 1);
    await button(`Changed (${changed - 1})`);
  });

  it('notes what is odd, and puts it right with a click', async () => {
    await studio.fill('Learning rate', '5');
    await studio.waitForText('A learning rate of 5 is far above the 3e-3 usual for this model');
    await studio.fill('Rank', '64');
    await studio.waitForText('Rank 64 is no less than the model’s width of 64');
    await studio.fill('Warmup steps', '500');
    await studio.waitForText('The warmup of 500 steps does not end within the run of 162');
    expect(await accessibilityProblems(studio)).toEqual([]);
    await studio.screenshot('recipe-notes');
    await button('Set Learning rate to 3e-3');
    await button('Set Rank to 32, Alpha to 64');
    await button('Set Warmup steps to 16');
    await expect
      .poll(() => studio.evaluate(() => document.querySelectorAll('.recipe-note').length, null))
      .toBe(0);
  });

  it('holds rows out as the user says, or takes a validation file, which stays with the project', async () => {
    await studio.view('Data');
    await studio.click({ role: 'switch', name: 'Hold out rows for evaluation' });
    await studio.waitForText('No rows are held out: overfitting will go unnoticed.', OPEN);
    const path = join(folder, 'validation.jsonl');
    const [first] = readFileSync(robotStories, 'utf8').split('\n');
    await writeFile(path, `${first}\n{"prompt": "Who?", "completion": "Zip."}\n`);
    await studio.dropFiles('.held__slot', [path]);
    await studio.waitForText('validation.jsonl: 2 rows, used for evaluation only.', OPEN);
    await studio.waitForText('also in the validation file', OPEN);
    expect(await studio.text()).toContain('robot-stories.jsonl');
    expect(await accessibilityProblems(studio)).toEqual([]);
    await studio.screenshot('recipe-validation');
    await studio.view('Recipe');
    await studio.waitForText('2 held out');
    await studio.view('Home');
    await studio.waitForText('robot-stories');
    await studio.reload();
    await studio.view('Data');
    await studio.waitForText('validation.jsonl', OPEN);
    await button('Remove validation.jsonl');
    await studio.waitForText('drop a validation file here', OPEN);
  });

  it('is good to look at in both themes and languages, and on a phone', async () => {
    await dropModel(studio, writeTinyStories(folder));
    await studio.view('Recipe');
    await studio.waitForText(/Calculated on your data/, OPEN);
    await studio.colorScheme('dark');
    await studio.screenshot('recipe-dark');
    await studio.click({ role: 'radio', name: '中文' });
    await studio.waitForText('训练多久？', OPEN);
    expect(await accessibilityProblems(studio)).toEqual([]);
    await studio.screenshot('recipe-zh-dark');
    await studio.colorScheme('light');
    await studio.screenshot('recipe-zh');
    await expect.poll(size, { timeout: 10_000 }).toEqual([1280, 900]);
    await studio.resize(390, 844);
    await studio.screenshot('recipe-zh-phone');
    await studio.click({ role: 'button', name: '全部设置' });
    await studio.screenshot('recipe-zh-phone-settings');
    expect((await size())[0]).toBe(390);
    expect(studio.problems).toEqual([]);
  });
});
