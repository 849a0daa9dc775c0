import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { accessibilityProblems } from '../src/testing/browsers/accessibility.ts';
import { openChromium, type ChromiumStudio } from '../src/testing/browsers/chromium.ts';
import { dropData, dropModel, OPEN, train } from '../src/testing/browsers/job.ts';
import { robotStories } from '../src/testing/fixtures.ts';
import { writeTinyStories } from '../src/testing/tinyStories.ts';

const STEPS = 40;
const recipe = {
  rank: 4,
  alpha: 8,
  lr: 5e-3,
  max_steps: STEPS,
  batch_size: 1,
  max_length: 64,
  checkpoint_steps: 10,
  eval_fraction: 0.1,
  eval_steps: 10,
};
const chart = { role: 'slider', name: 'Loss by step' };
const NAME = 'LoRA r4 5e-3, robot-stories';

describe('the training view', () => {
  let studio: ChromiumStudio;
  let folder: string;

  beforeAll(async () => {
    studio = await openChromium(inject('studioUrl'));
    folder = await mkdtemp(join(tmpdir(), 'graft-train-'));
    await studio.open();
    await studio.waitForText('WebGPU is ready', OPEN);
    await dropModel(studio, writeTinyStories(folder));
    await dropData(studio, robotStories);
    await studio.waitForText('What the model sees', OPEN);
  });
  afterAll(async () => {
    await studio?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const click = (name: string) => studio.click({ role: 'button', name });
  const setRecipe = async (changes: object) => {
    const path = join(folder, 'recipe.json');
    await writeFile(path, JSON.stringify({ ...recipe, ...changes }));
    await studio.setFiles('input[accept=".json,application/json"]', [path]);
  };
  /** What a screen reader says of the chart. */
  const said = () =>
    studio.evaluate(
      () =>
        document.querySelector('[role="slider"][aria-label="Loss by step"]')?.getAttribute('aria-valuetext'),
      null,
    );
  const focusOn = (selector: string) =>
    studio.evaluate((found) => document.querySelector<HTMLElement>(found)?.focus(), selector);
  const keys = async (...pressed: string[]) => {
    await focusOn('.chart__plot');
    await studio.press(...pressed);
    return said();
  };
  const stepSaid = async () => Number(/^step (\d+)/.exec((await said()) ?? '')?.[1]);
  /** The values of the small charts, by name. */
  const small = () =>
    studio.evaluate(
      () =>
        Object.fromEntries(
          [...document.querySelectorAll('.small-chart figcaption')].map((caption) => [
            caption.querySelector('span')?.textContent,
            caption.querySelector('strong')?.textContent,
          ]),
        ),
      null,
    );
  const readout = (name: string) =>
    studio.evaluate(
      (wanted) =>
        [...document.querySelectorAll('.readout')]
          .find((one) => one.querySelector('dt')?.textContent === wanted)
          ?.querySelector('dd')?.textContent,
      name,
    );
  const pixels = () =>
    studio.evaluate(
      () => document.querySelector<HTMLCanvasElement>('.chart__plot canvas')!.toDataURL(),
      null,
    );

  it('says what each wait is, and ends with the loss that its readout shows', async () => {
    await setRecipe({});
    await studio.view('Train');
    await studio.fill('Prompts to answer at every checkpoint', 'Who is Zip?\nWhat is it?');
    await studio.evaluate(() => {
      const seen = new Set<string>();
      Object.assign(window, { seen });
      const note = () => {
        for (const one of document.querySelectorAll('.status__text, .chart__waiting p'))
          seen.add(one.firstChild?.textContent ?? '');
      };
      new MutationObserver(note).observe(document.body, {
        childList: true,
        subtree: true,
        characterData: true,
      });
    }, null);
    await train(studio);
    await studio.waitForText(`Trained ${STEPS} steps`, OPEN);
    const waits = await studio.evaluate(() => [...(window as unknown as { seen: Set<string> }).seen], null);
    expect(waits).toContain('Answering your 2 prompts…');
    expect(waits.filter((wait) => /^Evaluating \d+ held-out rows…$/.test(wait))).toHaveLength(1);
    expect(waits).toContain('Computing the first step. Its shaders are compiled now…');
    const announced = await studio.evaluate(
      () => document.querySelector('output[aria-live="polite"]')?.textContent,
      null,
    );
    expect(announced).toBe(`Training is done. Smoothed loss ${await readout('Smoothed loss')}.`);
    expect(await readout('Mean tokens/s')).toMatch(/^[\d.]+K?$/);
    // Measured now, so the next start is estimated.
    await studio.waitForText(/About .+ to the end of the first step\./);
  });

  it('is read step by step with the keys and the mouse, all charts at the same step', async () => {
    await expect
      .poll(said)
      .toMatch(new RegExp(`^step ${STEPS}, loss [\\d.]+, smoothed loss [\\d.]+, eval loss`));
    expect(await keys('Home')).toMatch(/^step 1, /);
    const first = await small();
    expect(await keys('ArrowRight', 'ArrowRight')).toMatch(/^step 3, /);
    expect((await keys('Shift+ArrowRight'))!.startsWith('step 13, ')).toBe(true);
    expect((await keys('PageUp'))!.startsWith('step 17, ')).toBe(true);
    expect(await keys('End')).toMatch(new RegExp(`^step ${STEPS}, `));
    const last = await small();
    expect(Object.keys(last)).toEqual([
      'Learning rate',
      'Gradient norm',
      'Tokens/s, 10 steps',
      'Peak memory',
    ]);
    expect(first['Learning rate']).not.toBe(last['Learning rate']);
    await studio.hover(chart, 0.55);
    const step = await stepSaid();
    expect(step).toBeGreaterThan(15);
    expect(step).toBeLessThan(27);
    // The title of the chart has the step under the pointer.
    await studio.waitForText(`Step ${step}`);
    await studio.screenshot('train-1-hover');
    await studio.hover({ role: 'heading', name: 'Train' }, 0.5);
  });

  it('zooms by brush and by keys, and shows all steps again', async () => {
    await studio.drag(chart, 0.4, 0.7);
    // Off the chart, where a pointer would point at a step as well as the keys.
    await studio.hover({ role: 'heading', name: 'Train' }, 0.5);
    const from = Number(/^step (\d+)/.exec((await keys('Home')) ?? '')?.[1]);
    const to = Number(/^step (\d+)/.exec((await keys('End')) ?? '')?.[1]);
    expect(from).toBeGreaterThan(8);
    expect(to).toBeLessThan(34);
    await studio.screenshot('train-2-zoomed');
    // A step out of view comes into it.
    expect(await keys('ArrowRight')).toMatch(new RegExp(`^step ${to + 1}, `));
    expect(await keys('0', 'Home')).toMatch(/^step 1, /);
    await keys('+', '+');
    expect(await keys('End')).toMatch(/^step (9|1[0-2]), /);
    await click('Show all steps');
    expect(await keys('End')).toMatch(new RegExp(`^step ${STEPS}, `));
  });

  it('has a logarithmic axis and a smoothing that is computed from the raw curve', async () => {
    const linear = await pixels();
    await click('Log scale');
    await expect.poll(pixels).not.toBe(linear);
    await studio.screenshot('train-3-log');
    await click('Log scale');
    const smoothed = await readout('Smoothed loss');
    await focusOn('.chart__tools input[type="range"]');
    await studio.press('Home');
    await expect.poll(() => readout('Smoothed loss')).not.toBe(smoothed);
    // Without smoothing the curve is the raw one.
    const [, raw, same] = /loss ([\d.]+), smoothed loss ([\d.]+)/.exec((await said()) ?? '') ?? [];
    expect(same).toBe(raw);
    // By default a run of 40 steps is smoothed with 0.75.
    for (let i = 0; i < 75; i++) await studio.press('ArrowRight');
    await expect.poll(() => readout('Smoothed loss')).toBe(smoothed);
  });

  it('marks what happened in words, and shows the answers of a step', async () => {
    const events = await studio.evaluate(
      () =>
        [...document.querySelectorAll('.chart__events li')]
          .map((one) => one.getAttribute('title'))
          .join(' | '),
      null,
    );
    expect(events).toContain('saved at step 10');
    expect(events).toMatch(/lowest eval loss at step \d+/);
    const shown = () =>
      studio.evaluate(
        () =>
          [...document.querySelectorAll('.samples__answers:first-of-type dt')].map((one) => one.textContent),
        null,
      );
    expect((await shown()).slice(0, 2)).toEqual(['before training', `step ${STEPS}`]);
    await keys('Home', 'Shift+ArrowRight', 'ArrowRight');
    await expect.poll(async () => (await shown())[1]).toBe('step 10');
  });

  it('exports the curve in files named after the run', async () => {
    const exported = (item: string) =>
      studio.download(async () => {
        await click('Export curve');
        await studio.click({ role: 'menuitem', name: item });
      });
    const csv = await exported('Every step (CSV)');
    expect(basename(csv)).toBe('LoRA r4 5e-3- robot-stories.csv');
    // A head, the evaluation before training, and the steps.
    expect((await readFile(csv, 'utf8')).trim().split('\n')).toHaveLength(STEPS + 2);
    const json = JSON.parse(await readFile(await exported('Steps, events and answers (JSON)'), 'utf8')) as {
      run: string;
      steps: unknown[];
      samples: unknown[];
      recipe: { lr: number };
    };
    expect(json).toMatchObject({ run: NAME, recipe: { lr: 5e-3 } });
    expect(json.steps).toHaveLength(STEPS);
    expect(json.samples.length).toBeGreaterThanOrEqual(6);
    const png = await readFile(await exported('Picture (PNG)'));
    expect(png.subarray(1, 4).toString()).toBe('PNG');
    expect(png.readUInt32BE(16)).toBeGreaterThan(500);
  });

  it('overflows nowhere, in either language, theme and width, and has no axe problems', async () => {
    const overflowing = () =>
      studio.evaluate(
        () =>
          [...document.querySelectorAll<HTMLElement>('.readout, .readout dd, .small-chart, .chart__tools')]
            .filter((one) => one.checkVisibility() && one.scrollWidth > one.clientWidth)
            .map((one) => one.textContent),
        null,
      );
    for (const language of ['English', '中文']) {
      await studio.click({ role: 'radio', name: language });
      for (const width of [1920, 1280, 1110, 701, 390]) {
        await studio.resize(width, width === 390 ? 844 : 900);
        // The charts follow the window a moment later.
        await expect.poll(overflowing, { message: `${language} at ${width}` }).toEqual([]);
        if (width !== 390 && width !== 1280) continue;
        for (const theme of ['light', 'dark'] as const) {
          await studio.colorScheme(theme);
          expect(await accessibilityProblems(studio)).toEqual([]);
          await studio.screenshot(`train-4-${language === '中文' ? 'zh' : 'en'}-${theme}-${width}`);
        }
      }
    }
    await studio.colorScheme('light');
    await studio.click({ role: 'radio', name: 'English' });
    await studio.resize(1280, 900);
  });

  it('names runs by what they are, and compares them in a table, a chart and a list of differences', async () => {
    for (const lr of [1e-3, 5e-3]) {
      await setRecipe({ lr, max_steps: 12, eval_fraction: 0 });
      await train(studio, 'Train again');
      await studio.waitForText('Trained 12 steps', OPEN);
    }
    await click('Runs on this device');
    const table = () =>
      studio.evaluate(
        () => ({
          heads: [...document.querySelectorAll('.runs__table thead button')].map(
            (one) => one.firstChild?.textContent,
          ),
          names: [...document.querySelectorAll('.runs__table .run__name')].map((one) => one.textContent),
        }),
        null,
      );
    await expect.poll(async () => (await table()).names).toHaveLength(3);
    const { heads, names } = await table();
    expect(heads.slice(0, 4)).toEqual(['Name', 'Learning rate', 'Max steps', 'Evaluation split']);
    expect(names).toEqual([`${NAME} (2)`, 'LoRA r4 1e-3, robot-stories', NAME]);
    await click('Learning rate');
    expect((await table()).names[0]).toBe('LoRA r4 1e-3, robot-stories');
    await click('Learning rate');
    expect((await table()).names.at(-1)).toBe('LoRA r4 1e-3, robot-stories');

    for (const name of [`${NAME} (2)`, 'LoRA r4 1e-3, robot-stories'])
      await studio.evaluate(
        (label) => document.querySelector<HTMLElement>(`input[aria-label="${label}"]`)?.click(),
        `Show on chart: ${name}`,
      );
    const differences = () =>
      studio.evaluate(
        () =>
          [...document.querySelectorAll('.comparison__table tbody tr')].map((row) =>
            [...row.children].map((cell) => cell.textContent),
          ),
        null,
      );
    await expect.poll(differences).toEqual([['Learning rate', '5e-3', '1e-3']]);
    for (const metric of ['Eval loss', 'Learning rate', 'Gradient norm', 'Tokens/s', 'Smoothed loss']) {
      await studio.select('Curve', metric);
      await studio.waitForText(
        metric === 'Eval loss' ? 'no values' : new RegExp(`${metric} \\S+ at the end`),
      );
    }
    await studio.select('Over', 'Training time');
    expect(await accessibilityProblems(studio)).toEqual([]);
    await studio.screenshot('train-5-runs');
  });

  it('keeps names, tags and notes with the run', async () => {
    await click(`Details of ${NAME}`);
    await studio.fill('Name', `${NAME} (2)`);
    await studio.fill('Tags', 'baseline, long,baseline');
    await studio.fill('Note', 'the longest');
    await studio.press('Tab');
    // That name is another run's.
    await studio.waitForText(`${NAME} (3)`);
    const row = () =>
      studio.evaluate(
        (name) =>
          [...document.querySelectorAll('.runs__table tr')].find((one) => one.textContent?.includes(name))
            ?.textContent,
        `${NAME} (3)`,
      );
    await expect.poll(row).toContain('the longest');
    await studio.screenshot('train-6-details');
    await studio.reload();
    await studio.waitForText('Runs on this device', OPEN);
    await click('Runs on this device');
    await expect.poll(row).toContain('baselinelong');
    expect(await row()).toContain('the longest');
  });

  it('says what became of a merge that a reload interrupted, and leads back to it', async () => {
    await dropModel(studio, join(folder, 'tiny-stories'));
    await studio.view('Train');
    await click(`Details of ${NAME} (3)`);
    await click(`Try the checkpoint at step ${STEPS}`);
    await studio.waitForText('in use', OPEN);
    await studio.view('Export');
    await studio.evaluate(async () => {
      const buttons = [...document.querySelectorAll<HTMLElement>('#export button')];
      buttons.find(({ textContent }) => textContent === 'Download merged model')?.click();
      while (localStorage.getItem('graft.merge') === null) await new Promise(requestAnimationFrame);
    }, null);
    await studio.killTab();
    await studio.open('#/export');
    await studio.waitForText('A merge was interrupted when its page was closed or reloaded.', OPEN);
    await studio.screenshot('train-7-merge');
    expect(await accessibilityProblems(studio)).toEqual([]);
    await dropModel(studio, join(folder, 'tiny-stories'));
    await studio.view('Export');
    await click(`Load step ${STEPS} of “${NAME} (3)”`);
    await studio.waitForText('Download merged model', OPEN);
    // The button that did it is gone; the focus is not.
    await expect
      .poll(() => studio.evaluate(() => document.activeElement?.textContent, null), { timeout: OPEN })
      .toBe('Export');
    await studio.download(() => click('Download merged model'), OPEN);
    expect(await studio.text()).not.toContain('A merge was interrupted');
    expect(studio.problems).toEqual([]);
  });
});
