import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { robotStories } from '../src/testing/fixtures.ts';
import { writeTinyStories } from '../src/testing/tinyStories.ts';
import { accessibilityProblems } from '../src/testing/browsers/accessibility.ts';
import { openChromium, type ChromiumStudio } from '../src/testing/browsers/chromium.ts';
import { dropData, dropModel, OPEN, train } from '../src/testing/browsers/job.ts';

const views = ['Home', 'Model', 'Data', 'Recipe', 'Train', 'Chat', 'Export'] as const;

describe('the views', () => {
  let studio: ChromiumStudio;
  let folder: string;

  beforeAll(async () => {
    studio = await openChromium(inject('studioUrl'));
    folder = await mkdtemp(join(tmpdir(), 'graft-views-'));
    await studio.open();
    await studio.waitForText('WebGPU is ready', OPEN);
  });
  afterAll(async () => {
    await studio?.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** The view as its title, its address and the focus name it. */
  const shown = () =>
    studio.evaluate(() => {
      const headings = [...document.querySelectorAll('main h2')].filter((one) => one.checkVisibility());
      return {
        headings: headings.map(({ textContent }) => textContent),
        title: document.title,
        address: location.hash.split('/').at(-1),
        focused: document.activeElement === headings[0],
        marked: document.querySelector('nav [aria-current="page"] .rail__name')?.textContent,
      };
    }, null);
  const whole = (name: string) => ({
    headings: [name],
    title: expect.stringContaining(name === 'Home' ? 'Graft' : name) as string,
    address: name.toLowerCase(),
    focused: true,
    marked: name,
  });
  const height = () => studio.evaluate(() => document.documentElement.scrollHeight, null);
  const click = (name: string) => studio.click({ role: 'button', name });

  it('are shown one at a time, each with an address, a title and the focus', async () => {
    for (const name of [...views.slice(1), 'Home']) {
      await studio.view(name);
      await expect.poll(shown).toEqual(whole(name));
      expect(await accessibilityProblems(studio)).toEqual([]);
    }
  });

  it('are gone through back and forward, and opened by a link', async () => {
    await studio.view('Recipe');
    await studio.view('Chat');
    await studio.go('back');
    await expect.poll(shown).toEqual(whole('Recipe'));
    await studio.go('forward');
    await expect.poll(shown).toEqual(whole('Chat'));
    await studio.open('#/export');
    await expect.poll(async () => (await shown()).headings).toEqual(['Export']);
    await studio.reload();
    await studio.waitForText('Choose a model first.');
    expect((await shown()).headings).toEqual(['Export']);
  });

  it('fit into the window while empty, where their content allows', async () => {
    const heights = new Map<string, number>();
    for (const name of views) {
      await studio.view(name);
      heights.set(name, await height());
    }
    expect(Math.max(...heights.values()), JSON.stringify([...heights])).toBeLessThanOrEqual(900);
  });

  it('keep what was half typed and unfolded in them', async () => {
    await studio.view('Model');
    await studio.fill('Find a model', 'qwen 0.');
    await click('Connection');
    await studio.view('Recipe');
    await studio.view('Model');
    const typed = () =>
      studio.evaluate(
        () => [...document.querySelectorAll<HTMLInputElement>('#model input')].map(({ value }) => value),
        null,
      );
    expect(await typed()).toContain('qwen 0.');
    await studio.waitForText('Use this endpoint');
  });

  it('say what comes next, and lead there', async () => {
    await studio.view('Home');
    await click('Go to Model');
    await studio.waitForText('Choose a model here first.');
    await dropModel(studio, writeTinyStories(folder));
    await click('Go to Data');
    await studio.waitForText('Choose data here first.');
    await dropData(studio, robotStories);
    await studio.waitForText('What the model sees', OPEN);
    await click('Go to Recipe');
    await click('Go to Train');
    await studio.waitForText('Start training here.');
    expect((await shown()).headings).toEqual(['Train']);
  });

  it('take the focus when what had it is gone', async () => {
    await studio.view('Model');
    await click('Choose another');
    await click('Use it');
    await studio.waitForText('graft-starter', OPEN);
    await expect.poll(async () => (await shown()).focused, { timeout: OPEN }).toBe(true);
  });

  it('show dropped files where they belong, and why they are refused', async () => {
    const path = join(folder, 'broken.jsonl');
    await writeFile(path, 'neither JSON nor rows\n');
    await studio.view('Chat');
    await studio.dropFiles('h1', [path]);
    await studio.waitForText('broken.jsonl', OPEN);
    expect((await shown()).headings).toEqual(['Data']);
  });

  it('all show what runs; a paused run resumes from wherever it is seen', async () => {
    const recipe = join(folder, 'recipe.json');
    const settings = {
      rank: 4,
      alpha: 8,
      lr: 5e-3,
      max_steps: 60,
      batch_size: 2,
      max_length: 128,
      eval_fraction: 0,
    };
    await writeFile(recipe, JSON.stringify({ ...settings, checkpoint_steps: 2 }));
    await studio.setFiles('input[accept=".json,application/json"]', [recipe]);
    await train(studio);
    await studio.waitForText(/Step [2-9] of 60/, OPEN);
    for (const name of views.filter((view) => view !== 'Train')) {
      await studio.view(name);
      await studio.waitForText(/Step \d+ of 60/);
    }
    await studio.view('Data');
    await studio.waitForText('Locked while training.');
    expect(await accessibilityProblems(studio)).toEqual([]);
    await studio.screenshot('views-training');
    await click('Pause');
    await studio.waitForText(/Paused at step \d+ of 60/, OPEN);
    await studio.view('Train');
    await studio.waitForText(/Paused after step \d+/);
    const buttons = () =>
      studio.evaluate(
        () =>
          [...document.querySelectorAll('#train .launch button')].map(({ textContent, className }) => [
            textContent,
            className.includes('primary'),
          ]),
        null,
      );
    // Starting over is the second choice.
    expect(await buttons()).toEqual([
      ['Resume', true],
      ['Start over', false],
    ]);
    const before = Number(/Paused after step (\d+)/.exec(await studio.text())![1]);
    await studio.view('Recipe');
    await click('Resume');
    await studio.waitForText('Runs on your GPU', OPEN);
    const step = async () => Number(/Step (\d+) of 60/.exec(await studio.text())?.[1] ?? 0);
    await expect.poll(step, { timeout: OPEN }).toBeGreaterThan(before);
    await studio.waitForText(`Resumed after step ${before}.`);
    await click('Stop and keep the adapter');
    await studio.waitForText(/Stopped after \d+ steps/, OPEN);
    await expect.poll(height).toBeLessThanOrEqual(900);
    expect(await accessibilityProblems(studio)).toEqual([]);
  });

  it('are tabs at the foot of a phone, large enough for a thumb', async () => {
    await studio.resize(390, 844);
    const tabs = () =>
      studio.evaluate(
        () =>
          [...document.querySelectorAll('.rail a')].map((link) => {
            const { width, height: tall, bottom } = link.getBoundingClientRect();
            return width >= 44 && tall >= 44 && bottom <= innerHeight;
          }),
        null,
      );
    expect(await tabs()).toEqual(views.map(() => true));
    const found: string[] = [];
    for (const name of views) {
      await studio.view(name);
      if (name === 'Train') await click('Sweep');
      const wide = await studio.evaluate(() => document.documentElement.scrollWidth, null);
      expect(wide, name).toBe(390);
      await studio.screenshot(`views-phone-${name}`);
      const small = await studio.evaluate(() => {
        /** The height of what answers a tap: some targets are as large as the card around them. */
        const reach = (target: Element) => {
          const grown = getComputedStyle(target, '::after');
          const card = grown.position === 'absolute' && grown.inset === '0px';
          const area = card ? (target as HTMLElement).offsetParent : target;
          return area?.getBoundingClientRect().height ?? 0;
        };
        return [...document.querySelectorAll('button, a[href], .file-button label')]
          .filter((one) => one.checkVisibility() && one.closest('main, .next, .rail, .masthead'))
          .filter((one) => reach(one) < 38)
          .map((one) => `${one.textContent || one.ariaLabel}: ${reach(one)}`);
      }, null);
      found.push(...small.map((one) => `${name}: ${one}`));
      const narrow = await studio.evaluate(
        () =>
          [...document.querySelectorAll('main :is(input[type="text"], select, textarea)')]
            .filter((one) => one.checkVisibility() && one.clientWidth < 40)
            .map((one) => one.parentElement!.textContent),
        null,
      );
      found.push(...narrow.map((one) => `${name}: no room in ${one}`));
    }
    expect(found).toEqual([]);
    expect(studio.problems).toEqual([]);
  });
});
