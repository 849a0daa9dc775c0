import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { robotStories } from '../src/testing/fixtures.ts';
import { accessibilityProblems } from '../src/testing/browsers/accessibility.ts';
import { openChromium, type ChromiumStudio } from '../src/testing/browsers/chromium.ts';
import { dropData, OPEN } from '../src/testing/browsers/job.ts';
import { wordsOf } from '../src/testing/browsers/words.ts';

/** Software adapters are slow. */
const TRAIN = 600_000;

const words = wordsOf('en');
const shared = { rank: 4, alpha: 8, max_steps: 8, batch_size: 2, max_length: 64, checkpoint_steps: 1 };
const rates = ['1e-6', '1e-4', '3e-3', '1e-2'];

describe('a sweep', () => {
  let studio: ChromiumStudio;
  let folder: string;

  beforeAll(async () => {
    studio = await openChromium(inject('studioUrl'));
    folder = await mkdtemp(join(tmpdir(), 'graft-sweep-'));
  });
  afterAll(async () => {
    await studio?.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** The cells of the sweep's table, without the buttons. */
  const rows = () =>
    studio.evaluate(
      () =>
        [...document.querySelectorAll('.sweep__table tbody tr')].map((row) =>
          [...row.querySelectorAll('td')].slice(0, -1).map((cell) => cell.textContent ?? ''),
        ),
      null,
    );
  const states = async () => (await rows()).map((cells) => cells.at(-1)!);

  it('of four recipes goes on after its tab was killed, and its best recipe is taken by one click', async () => {
    await studio.open();
    await studio.waitForText('WebGPU is ready', OPEN);
    await studio.view('Model');
    await studio.click({ role: 'button', name: words('model.useStarter') });
    await studio.waitForText('Vocabulary', OPEN);
    await dropData(studio, robotStories);
    await studio.waitForText('What the model sees', OPEN);
    const path = join(folder, 'recipe.json');
    await writeFile(path, JSON.stringify({ ...shared, eval_steps: 4, eval_fraction: 0.05 }));
    await studio.setFiles('input[accept=".json,application/json"]', [path]);

    await studio.view('Train');
    await studio.click({ role: 'button', name: words('sweep.title') });
    await studio.fill(words('sweep.values'), rates.join(', '));
    await studio.click({ role: 'button', name: words('sweep.start', { n: 4 }) });
    // The first has reached its rung, the second trains.
    await studio.waitForText(/of 8\s*goes on later/, TRAIN);
    await studio.waitForText(/of 8\s*training/, TRAIN);
    expect((await states()).sort()).toEqual(['goes on later', 'training', 'waiting', 'waiting']);

    await studio.killTab();
    await studio.open();
    await studio.waitForText('A sweep over Learning rate is not finished', OPEN);
    // Its paused runs are the sweep's own, and not offered one by one.
    expect(await studio.text()).not.toMatch(/is paused at step/);
    await studio.click({ role: 'button', name: words('sweep.resume') });
    await studio.click({ role: 'button', name: words('sweep.title') });
    await expect.poll(states, { timeout: TRAIN, interval: 250 }).toContain('finishedbest');

    // Halving leaves one of four: two are stopped at the first rung, one at the second.
    const table = await rows();
    expect(table.map(([, , steps, state]) => [steps, state])).toEqual([
      ['8', 'finishedbest'],
      ['4 of 8', 'stopped early'],
      ['2 of 8', 'stopped early'],
      ['2 of 8', 'stopped early'],
    ]);
    const losses = table.map(([, loss]) => Number(loss));
    expect(losses[0]).toBeLessThan(losses[1]!);
    expect(losses[2]).toBeLessThan(losses[3]!);
    // The lowest rate learns nothing in two steps.
    expect(Number(table[3]![0])).toBe(1e-6);

    // The curves of all runs are in one chart.
    await expect
      .poll(() => studio.evaluate(() => document.querySelectorAll('.sweep .compare__legend li').length, null))
      .toBe(4);
    expect(await accessibilityProblems(studio)).toEqual([]);
    await studio.screenshot('sweep');

    const best = table[0]![0]!;
    await studio.click({
      role: 'button',
      name: words('sweep.useName', { name: `lr ${nameOf(best)}, robot-stories` }),
    });
    await studio.waitForText(words('sweep.used'));
    // The engine holds what the best run has trained.
    await studio.view('Chat');
    await studio.waitForText('fine-tuned', OPEN);
    await studio.view('Recipe');
    expect(await studio.evaluate(() => document.body.innerText, null)).toContain(best);
    expect(studio.problems).toEqual([]);
  });

  it('is there after a reload, in Chinese, and is removed without its runs', async () => {
    await studio.open();
    await studio.waitForText('WebGPU is ready', OPEN);
    await studio.click({ role: 'radio', name: '中文' });
    const zh = wordsOf('zh');
    await studio.view(zh('view.train'));
    await studio.click({ role: 'button', name: zh('sweep.title') });
    await studio.waitForText(zh('sweep.state.stopped'), OPEN);
    await studio.screenshot('sweep-zh');
    await studio.click({ role: 'button', name: zh('sweep.delete') });
    await expect.poll(async () => (await rows()).length).toBe(0);
    await studio.click({ role: 'button', name: zh('runs.title') });
    await studio.waitForText('lr 1e-6, robot-stories');
    expect(studio.problems).toEqual([]);
  });
});

/** A rate as run names have it. */
function nameOf(rate: string): string {
  const value = Number(rate);
  return value < 0.01 ? value.toExponential().replace('e+', 'e') : String(value);
}
