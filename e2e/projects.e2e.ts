import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { writeTinyStories } from '../src/testing/tinyStories.ts';
import { accessibilityProblems } from '../src/testing/browsers/accessibility.ts';
import { openChromium, type ChromiumStudio } from '../src/testing/browsers/chromium.ts';
import { dropData, dropModel, OPEN, train } from '../src/testing/browsers/job.ts';

const rows = ['Pip', 'Ada', 'Bo', 'Cy', 'Di', 'Ed'].map((name, i) => ({
  prompt: `Where is ${name}?`,
  completion: `${name} is at place ${i + 1}.`,
}));

describe('projects', () => {
  let studio: ChromiumStudio;
  let folder: string;
  let data: string;
  let other: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'graft-projects-'));
    data = join(folder, 'places.jsonl');
    other = join(folder, 'others.jsonl');
    await writeFile(data, rows.map((row) => JSON.stringify(row)).join('\n'));
    await writeFile(other, JSON.stringify({ prompt: 'Who is Zip?', completion: 'A robot.' }));
    studio = await openChromium(inject('studioUrl'));
    await studio.open();
    await studio.waitForText('WebGPU is ready', OPEN);
  });
  afterAll(async () => {
    await studio?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const click = (name: string) => studio.click({ role: 'button', name });
  const choose = async (project: string, action: string) => {
    await studio.view('Home');
    await click(`More about ${project}`);
    await studio.click({ role: 'menuitem', name: action });
  };
  const names = () =>
    studio.evaluate(
      () => [...document.querySelectorAll('.project__name')].map((e) => e.firstChild?.textContent?.trim()),
      null,
    );
  const valueOf = (name: string) =>
    studio.evaluate((label) => {
      const fields = [
        ...document.querySelectorAll<HTMLInputElement | HTMLTextAreaElement>('input, textarea'),
      ];
      return fields.find((one) => one.checkVisibility() && one.labels?.[0]?.textContent === label)?.value;
    }, name);
  const recipe = async (changes: object) => {
    const path = join(folder, 'recipe.json');
    await writeFile(path, JSON.stringify(changes));
    await studio.setFiles('input[accept=".json,application/json"]', [path]);
  };
  const saved = () => studio.waitForText('Saved in this browser');

  it('come back with the next visit: model, data, edits, half-typed text, recipe and prompts', async () => {
    expect(await names()).toEqual([]);
    await studio.view('Model');
    await click('Use it');
    await studio.waitForText('Vocabulary', OPEN);
    await dropData(studio, data);
    await studio.waitForText('What the model sees', OPEN);
    await click('Exclude row');
    await studio.waitForText('1 row excluded', OPEN);
    await click('Next row');
    await studio.waitForText('line 2');
    await click('Edit');
    await studio.fill('completion', 'Ada is at the lake.');
    await click('Apply');
    await studio.waitForText('1 row edited', OPEN);
    await click('Next row');
    await studio.waitForText('line 3');
    await click('Edit');
    await studio.fill('completion', 'Bo is at the');
    await recipe({ rank: 4, lr: 1e-3, max_steps: 7, batch_size: 2, checkpoint_steps: 1 });
    await studio.view('Train');
    await studio.fill('Prompts to answer at every checkpoint', 'Where is Pip?');
    await studio.view('Chat');
    await studio.fill('Prompt', 'Where is Ada?');
    await studio.fill('System message', 'You know the village.');
    await saved();
    await expect
      .poll(() => studio.evaluate(() => localStorage.getItem('graft.project.pending'), null))
      .toBe(null);

    await studio.killTab();
    await studio.open();
    await studio.waitForText('places', OPEN);
    await studio.view('Data');
    await studio.waitForText('1 row edited', OPEN);
    await studio.waitForText('1 row excluded');
    await studio.waitForText('What the model sees', OPEN);
    await studio.fill('Line in the file', '3');
    await studio.waitForText('unfinished edit');
    expect(await valueOf('completion')).toBe('Bo is at the');
    expect(await accessibilityProblems(studio)).toEqual([]);
    await studio.screenshot('projects-restored');
    await studio.fill('Line in the file', '2');
    await studio.waitForText('Ada is at the lake.');
    await studio.view('Recipe');
    await studio.waitForText('5 settings differ from the defaults');
    await studio.view('Train');
    expect(await valueOf('Prompts to answer at every checkpoint')).toBe('Where is Pip?');
    await studio.view('Chat');
    expect(await valueOf('Prompt')).toBe('Where is Ada?');
    expect(await valueOf('System message')).toBe('You know the village.');
  });

  it('keep a half-typed edit while other rows are shown, until it is applied or cancelled', async () => {
    await studio.view('Data');
    await studio.fill('Line in the file', '3');
    await studio.waitForText('unfinished edit');
    await click('Next row');
    await studio.waitForText('line 4');
    await expect.poll(async () => (await studio.text()).includes('unfinished edit')).toBe(false);
    await click('Previous row');
    await studio.waitForText('unfinished edit');
    await studio.fill('completion', 'Bo is at the wood.');
    await click('Apply');
    await studio.waitForText('2 rows edited', OPEN);
    await expect.poll(async () => (await studio.text()).includes('unfinished edit')).toBe(false);
  });

  it('keep the edits of a file while another is open, and say so', async () => {
    await dropData(studio, other);
    await studio.waitForText('3 changes of rows stay with “places.jsonl”', OPEN);
    expect(await studio.text()).not.toContain('rows edited');
    // The same file under another name.
    const renamed = join(folder, 'renamed.jsonl');
    await writeFile(renamed, rows.map((row) => JSON.stringify(row)).join('\n'));
    await dropData(studio, renamed);
    await studio.waitForText('2 rows edited', OPEN);
    await studio.waitForText('1 row excluded');
    await dropData(studio, data);
    await studio.waitForText('2 rows edited', OPEN);
    await studio.waitForText('What the model sees', OPEN);
  });

  it('show an interrupted run on Home, with a button that resumes it under its own recipe', async () => {
    await recipe({ rank: 4, lr: 1e-3, max_steps: 60, batch_size: 2, checkpoint_steps: 1 });
    await train(studio);
    await studio.waitForText(/Step [3-9] of 60/, OPEN);
    await studio.waitForText('Saved up to step', OPEN);
    await studio.killTab();
    await studio.open();
    await studio.waitForText(/was interrupted at step \d+ of 60/, OPEN);
    await recipe({ rank: 16 });
    await studio.view('Home');
    await studio.click({ role: 'button', name: 'Resume LoRA r4 1e-3, places' });
    await studio.waitForText(/Step \d+ of 60/, OPEN);
    await studio.waitForText(/Rank 4, learning rate 1e-\W?3/);
    await studio.view('Recipe');
    await click('All settings');
    expect(await valueOf('Rank')).toBe('4');
    await click('Stop and keep the adapter');
    await studio.waitForText('Rank 16, learning rate', OPEN);
    expect(await valueOf('Rank')).toBe('16');
    await studio.view('Train');
    await studio.waitForText(/Stopped after \d+ steps/, OPEN);
    await recipe({ rank: 4, max_steps: 7 });
    await saved();
  });

  it('are several: renamed, duplicated, exported, imported, deleted after a question', async () => {
    await choose('places', 'Rename');
    await studio.fill('Project name', 'Village');
    await studio.press('Enter');
    await expect.poll(names).toEqual(['Village']);
    await choose('Village', 'Duplicate');
    await expect.poll(names).toEqual(['Village (copy)', 'Village']);
    expect(await accessibilityProblems(studio)).toEqual([]);
    await studio.screenshot('projects-list');
    await choose('Village', 'Export');
    await studio.waitForText(/Save Village\.graft-project\.zip/, OPEN);
    const file = await studio.download(() =>
      studio.evaluate(() => {
        const buttons = [...document.querySelectorAll('button')];
        buttons.find(({ textContent }) => textContent?.startsWith('Save Village'))?.click();
      }, null),
    );
    for (const name of ['Village (copy)', 'Village']) {
      await choose(name, 'Delete');
      await studio.waitForText(`Delete the project “${name}”?`);
      await click('Delete');
      await expect.poll(names).not.toContain(name);
    }
    expect(await names()).toEqual([]);
    await studio.view('Data');
    await studio.waitForText('Drop a data file here');
    await studio.view('Home');
    await studio.chooseFiles({ role: 'button', name: 'Import a project' }, [file]);
    await expect.poll(names).toEqual(['Village']);
    await studio.view('Data');
    await studio.waitForText('2 rows edited', OPEN);
    await studio.view('Recipe');
    await studio.waitForText('2 settings differ from the defaults');
  });

  it('have one owner among the tabs; another reads, and takes over when the owner is closed', async () => {
    const second = await studio.secondTab();
    await second.open();
    await second.waitForText('This project is open in another tab, so it can’t be changed here.', OPEN);
    await second.waitForText('Village');
    await second.view('Data');
    await second.waitForText('2 rows edited', OPEN);
    expect(await accessibilityProblems(second)).toEqual([]);
    await second.screenshot('projects-read-only');
    // Nothing there pretends to change it.
    const enabled = () =>
      second.evaluate(
        () =>
          [...document.querySelectorAll('main .view__body :is(button, input, select, textarea)')]
            .filter((one) => one.checkVisibility() && !one.matches(':disabled'))
            .map((one) => one.textContent),
        null,
      );
    for (const view of ['Model', 'Data', 'Recipe', 'Chat']) {
      await second.view(view);
      await second.waitForText('Locked: this project is open in another tab.');
      expect(await enabled(), view).toEqual([]);
    }
    await second.view('Data');
    await second.dropFiles('#data', [other]);
    expect(await second.text()).toContain('2 rows edited');
    await second.view('Train');
    await second.waitForText('This project is open in another tab: train it there.');
    await second.view('Home');
    await second.click({ role: 'button', name: 'More about Village' });
    await second.click({ role: 'menuitem', name: 'Delete' });
    await second.click({ role: 'button', name: 'Delete' });
    await second.waitForText('This project is open in another tab, which saves it.', OPEN);
    await studio.view('Chat');
    await studio.fill('Prompt', 'Where is Cy?');
    await expect
      .poll(() => studio.evaluate(() => localStorage.getItem('graft.project.pending'), null))
      .toBe(null);
    await studio.closeTab();
    await expect
      .poll(async () => (await second.text()).includes('open in another tab'), { timeout: OPEN })
      .toBe(false);
    // A view that is hidden catches up when it is shown.
    await second.view('Chat');
    const prompt = () =>
      second.evaluate(() => document.querySelector<HTMLTextAreaElement>('.prompt textarea')?.value, null);
    await expect.poll(prompt).toBe('Where is Cy?');
    studio = second;
  });

  it('leave nothing of the example to another model or to other data', async () => {
    await studio.view('Home');
    await click('Run the example');
    await studio.waitForText(/Step [2-9] of 40/, OPEN);
    await studio.waitForText(/Rank 8, learning rate 3e-\W?3/);
    await click('Stop and keep the adapter');
    await studio.waitForText(/Stopped after \d+ steps/, OPEN);
    await dropData(studio, data);
    await studio.waitForText('Where is Pip?', OPEN);
    await studio.waitForText(/Rank 16, learning rate 3e-\W?3/);
    await studio.view('Train');
    expect(await valueOf('Prompts to answer at every checkpoint')).toBe('');
    await studio.view('Home');
    await expect.poll(names).toEqual(['places', 'Example', 'Village']);

    await click('Open Example');
    await studio.waitForText(/Rank 8, learning rate 3e-\W?3/, OPEN);
    await dropModel(studio, writeTinyStories(folder));
    await studio.waitForText(/Rank 16, learning rate 3e-\W?3/);
    await studio.view('Data');
    await studio.waitForText('Drop a data file here');
    await studio.view('Home');
    await expect.poll(names).toEqual(['tiny-stories', 'Example', 'places', 'Village']);
  });

  it('are opened by their address, in the view that it names', async () => {
    await click('Open Village');
    await studio.view('Data');
    await studio.waitForText('2 rows edited', OPEN);
    const hash = () => studio.evaluate(() => location.hash, null);
    await expect.poll(hash).toMatch(/^#\/p\/[\w-]+\/data$/);
    const address = await hash();
    await studio.view('Home');
    await click('Open places');
    await expect.poll(hash).not.toContain(address.split('/')[2]);
    await studio.open(address);
    await studio.waitForText('2 rows edited', OPEN);
    await studio.reload();
    await studio.waitForText('2 rows edited', OPEN);
    expect(await hash()).toBe(address);
    await studio.open('#/p/nowhere/data');
    await studio.waitForText('This project does not exist in this browser.', OPEN);
    await studio.waitForText('2 rows edited');
    await expect.poll(hash).toBe(address);
    expect(studio.problems).toEqual([]);
  });
});
