import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { nodeFolder } from '../src/base/storage/nodeFolder.ts';
import { writeAdapter } from '../src/content/formats/peft.ts';
import { openModelFiles } from '../src/engine/model/spec/openModel.ts';
import { starter } from '../src/testing/fixtures.ts';
import { randomPeft } from '../src/testing/mergeAdapter.ts';
import { accessibilityProblems } from '../src/testing/browsers/accessibility.ts';
import { browsers } from '../src/testing/browsers/browsers.ts';
import { answersOf, dropData, dropModel, OPEN, train } from '../src/testing/browsers/job.ts';
import type { Studio } from '../src/testing/browsers/studio.ts';

const samples = new URL('../public/samples/pirate-talk.jsonl', import.meta.url);
const recipe = { rank: 8, lr: 3e-3, batch_size: 4, max_length: 256 };

describe.each(browsers)('the chat in %s', (name, openStudio) => {
  let studio: Studio;
  let folder: string;

  beforeAll(async () => {
    studio = await openStudio(inject('studioUrl'));
    folder = await mkdtemp(join(tmpdir(), 'graft-chat-'));
    await studio.open();
    await studio.waitForText('WebGPU is ready', OPEN);
    await dropModel(studio, starter);
  });
  afterAll(async () => {
    await studio?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const click = (button: string) => studio.click({ role: 'button', name: button });
  const send = async (text: string) => {
    await studio.fill('Prompt', text);
    await click('Send');
  };
  const userTurns = () =>
    studio.evaluate(
      () => [...document.querySelectorAll('#chat .turn__text')].map((turn) => turn.textContent),
      null,
    );
  const height = () => studio.evaluate(() => document.documentElement.scrollHeight, null);

  it('continues a conversation, within the context', async () => {
    await studio.view('Chat');
    await studio.fill('Prompt', 'Where does Pip live?');
    const fit = await studio.waitForText(/\d+ of \d+ tokens of context/, OPEN);
    const tokens = Number(/(\d+) of \d+ tokens of context/.exec(fit)![1]);
    await click('Send');
    const [first] = await answersOf(studio, 0);
    expect(first).toMatch(/^Pip lives/);
    await send('Do you know Pip?');
    const [second] = await answersOf(studio, 1);
    expect(second).not.toBe('');
    // Its tokens by their probabilities, with keys.
    await studio.evaluate(() => {
      const buttons = [...document.querySelectorAll<HTMLElement>('#chat .answer__tools button')];
      buttons
        .filter(({ textContent }) => textContent === 'Probabilities')
        .at(-1)!
        .click();
    }, null);
    await studio.waitForText('go through them with the arrow keys');
    await studio.evaluate(() => document.querySelector<HTMLElement>('#chat [role="listbox"]')!.focus(), null);
    await studio.waitForText(/Chosen: \S+ \d+.*% *\. Likeliest: \S+ \d/);
    expect(await accessibilityProblems(studio)).toEqual([]);
    // The second turn is asked below the first, so it takes more of the context.
    await studio.fill('Prompt', 'Where does Pip live?');
    const longer = async () => Number(/(\d+) of \d+ tokens of context/.exec(await studio.text())?.[1] ?? 0);
    await expect.poll(longer, { timeout: OPEN }).toBeGreaterThan(tokens);
    await studio.fill('Prompt', '');
  });

  it('drops what followed an edited turn, and says so; clears, and brings back', async () => {
    expect(await userTurns()).toEqual(['Where does Pip live?', 'Do you know Pip?']);
    await click('Edit message 1');
    await studio.waitForText('Drops the turn after it.');
    await studio.fill('Edit this message', 'What does Pip eat?');
    await click('Send again');
    await studio.waitForText('1 later turn dropped.', OPEN);
    await answersOf(studio, 0);
    expect(await userTurns()).toEqual(['What does Pip eat?']);
    await click('Undo');
    expect(await userTurns()).toEqual(['Where does Pip live?', 'Do you know Pip?']);
    await click('Clear');
    expect(await userTurns()).toEqual([]);
    await click('Undo');
    expect(await userTurns()).toEqual(['Where does Pip live?', 'Do you know Pip?']);
  });

  it('regenerates the last answer: the same at temperature 0, which it says', async () => {
    const [before] = await answersOf(studio, 1);
    await click('Regenerate');
    await studio.waitForText('The same again. At temperature 0 it always is', OPEN);
    expect(await answersOf(studio, 1)).toEqual([before]);
  });

  it('reports no problems', () => expect(studio.problems).toEqual([]));

  // The rest is the same program; once is enough.
  if (name !== 'chromium') return;

  it('asks the base and the adapter side by side, and a checkpoint in place of either', async () => {
    const rows = (await readFile(samples, 'utf8')).trim().split('\n').slice(0, 40);
    const data = join(folder, 'pirates.jsonl');
    await writeFile(data, `${rows.join('\n')}\n`);
    await dropData(studio, data);
    const trainFor = async (steps: number) => {
      const path = join(folder, 'recipe.json');
      await writeFile(path, JSON.stringify({ ...recipe, max_steps: steps, eval_fraction: 0.1 }));
      await studio.setFiles('input[accept=".json,application/json"]', [path]);
      await train(studio, steps === 1 ? 'Train' : 'Train again');
      await studio.waitForText(steps === 1 ? 'Trained 1 step' : `Trained ${steps} steps`, OPEN);
    };
    // Its checkpoint has hardly learned anything, and is another run's.
    await trainFor(1);
    await trainFor(12);
    await studio.view('Chat');
    // What the base alone has answered waits for the adapter.
    await studio.waitForText('Not answered.');
    await send('Where does Pip live?');
    const [base, tuned] = await answersOf(studio, 2);
    expect(await answersOf(studio, 0)).toHaveLength(2);
    expect(tuned).not.toBe(base);
    // The last turn is in sight.
    const below = () =>
      studio.evaluate(() => {
        const list = document.querySelector('.conversation__turns')!;
        return list.scrollHeight - list.clientHeight - list.scrollTop;
      }, null);
    await expect.poll(below).toBeLessThanOrEqual(2);
    await studio.screenshot('chat-turns');
    expect(await height()).toBeLessThanOrEqual(900);
    expect(await accessibilityProblems(studio)).toEqual([]);

    await click('Clear');
    await studio.select('Answers on the left', 'With your adapter');
    const options = await studio.evaluate(
      () => [...document.querySelectorAll('#chat optgroup option')].map((one) => one.textContent),
      null,
    );
    const checkpoint = options.find((one) => /step 1\b/.test(one)) ?? '';
    expect(checkpoint, options.join(', ')).not.toBe('');
    await studio.select('Answers on the right', checkpoint);
    await send('Where does Pip live?');
    const [now, earlier] = await answersOf(studio, 0);
    expect(now).toBe(tuned);
    expect(earlier).toBe(base);
    // The last checkpoint is the adapter itself.
    await click('Clear');
    await studio.select(
      'Answers on the right',
      options.find((one) => one.includes('step 12'))!,
    );
    await send('Where does Pip live?');
    expect(await answersOf(studio, 0)).toEqual([now, now]);
  });

  it('adds an answer to the data with one click', async () => {
    await click('Add to data: answer 1, With your adapter, step 12');
    await studio.waitForText('Added to the data as row 41.', OPEN);
    await click('Show in Data');
    await studio.waitForText('1 row added', OPEN);
    await studio.waitForText('Where does Pip live?');
    const tags = await studio.evaluate(
      () => [...document.querySelectorAll('.preview__facts .tag')].map((tag) => tag.textContent),
      null,
    );
    expect(tags.slice(0, 2)).toEqual(['for training', 'added']);
    await studio.screenshot('chat-added-row');
    expect(await accessibilityProblems(studio)).toEqual([]);
  });

  it('asks held-out rows in a batch, with what is expected, and writes a CSV', async () => {
    await studio.view('Chat');
    await studio.select('Answers on the left', 'Base model');
    await studio.click({ role: 'tab', name: 'Batch' });
    await studio.waitForText('4 held-out rows');
    await click('Ask all');
    await studio.waitForText('4 of 4 prompts answered', OPEN);
    const shown = await studio.text();
    expect(shown).toMatch(/\d of 4 exactly as expected/);
    expect(shown).toMatch(/mean length [\d.]+ tokens/);
    await studio.screenshot('chat-batch');
    expect(await height()).toBeLessThanOrEqual(900);
    expect(await accessibilityProblems(studio)).toEqual([]);
    const path = await studio.download(() => click('CSV'), OPEN);
    const lines = (await readFile(path, 'utf8')).split('\r\n');
    expect(lines[0]).toMatch(/^line,prompt,expected,Base model,"?.*step 12/);
    expect(lines).toHaveLength(6);
  });

  it('asks pasted prompts, of which a line may be wrong; stops, and resumes', async () => {
    // The radio itself is below its label.
    await studio.evaluate(
      () => document.querySelectorAll<HTMLElement>('#chat label.radio')[1]!.click(),
      null,
    );
    const rows = [
      '{"prompt": "Who is Pip?"}',
      '{"prompt": oops}',
      '{"messages": [{"role": "user", "content": "Hi"}]}',
    ];
    await studio.fill('Prompts, one a line or JSONL rows', rows.join('\n'));
    await click('Ask all again');
    await studio.waitForText('2 of 2 prompts answered', OPEN);
    expect(await studio.text()).toMatch(/Line 2 of pasted\.jsonl/);
    // More than are answered together.
    const many = Array.from({ length: 200 }, (_, i) => `Tell me of number ${i + 1}.`);
    await studio.fill('Prompts, one a line or JSONL rows', many.join('\n'));
    await click('Ask all again');
    await studio.waitForText(/[1-9]\d* of 200 prompts answered, about .* left/, OPEN);
    await click('Stop');
    const answered = async () => Number(/(\d+) of 200 prompts answered/.exec(await studio.text())?.[1]);
    await studio.waitForText('Resume');
    const before = await answered();
    expect(before).toBeLessThan(200);
    await click('Resume');
    await expect.poll(answered, { timeout: OPEN }).toBeGreaterThan(before);
    await click('Stop');
    await studio.waitForText('Resume');
  });

  it('evaluates the base and the adapter on the held-out rows, with intervals, and writes them', async () => {
    await studio.click({ role: 'tab', name: 'Evaluate' });
    await studio.evaluate(
      () =>
        [...document.querySelectorAll<HTMLElement>('.evaluate__metrics label')]
          .find(({ textContent }) => textContent === 'Matches a pattern')!
          // The label of a box toggles it by presses alone.
          .querySelector('input')!
          .click(),
      null,
    );
    // Patterns run in a worker of their own.
    await studio.fill('Pattern that the answer has to contain', '\\w+');
    await click('Evaluate 4 rows');
    const shown = await studio.waitForText('Differences to the base with 95% intervals', OPEN);
    // The adapter has learned from such rows: its loss is lower.
    const figures = await studio.evaluate(
      () =>
        [...document.querySelectorAll('.evaluate__figures tbody tr')].map((row) =>
          [...row.children].map((cell) => cell.textContent ?? ''),
        ),
      null,
    );
    expect(figures.map(([name]) => name)).toEqual([
      'Loss',
      'Perplexity',
      'Exact match',
      'Contains',
      'Matches a pattern',
      'ROUGE-L',
      'chrF',
    ]);
    expect(figures[4]![1]).toBe('1.000');
    expect(figures[0]![2], shown).toMatch(/^[\d.]+−[\d.]+ \(−[\d.]+ to −[\d.]+\)$/);
    await studio.screenshot('chat-evaluate');
    expect(await accessibilityProblems(studio)).toEqual([]);
    const csv = await readFile(await studio.download(() => click('CSV'), OPEN), 'utf8');
    expect(csv.split('\r\n')[0]).toMatch(/^line,prompt,expected,differs,answer \(base\),loss \(base\)/);
    const json = await readFile(await studio.download(() => click('JSON'), OPEN), 'utf8');
    const { systems, rows } = JSON.parse(json) as {
      systems: { figures: { loss: number } }[];
      rows: { differs: boolean }[];
    };
    expect(rows).toHaveLength(4);
    expect(rows[0]!.differs).toBe(true);
    const [base, tuned] = systems.map(({ figures: { loss } }) => loss);
    expect(tuned).toBeLessThan(base!);
    expect(Number.parseFloat(figures[0]![1]!)).toBeCloseTo(base!, 3);
  });

  const press = (key: string) =>
    studio.evaluate((pressed) => {
      document.body.dispatchEvent(new KeyboardEvent('keydown', { key: pressed, bubbles: true }));
    }, key);

  it('votes blind with keys, and writes the votes', async () => {
    await click('Vote blind');
    const shown = await studio.waitForText(/Row 1 of \d/);
    const of = Number(/Row 1 of (\d)/.exec(shown)![1]);
    expect(shown).not.toContain('Rows, those answered differently first');
    expect(await accessibilityProblems(studio)).toEqual([]);
    await press('a');
    await press('Backspace');
    await studio.waitForText(`Row 1 of ${of}`);
    for (let n = 1; n <= of; n++) await press('t');
    await studio.waitForText('All rows have a vote.');
    await click('Show names');
    await studio.waitForText(`0 times, with ${of} ties. Difference of their shares: 0.000`);
    const csv = await readFile(await studio.download(() => click('CSV'), OPEN), 'utf8');
    expect(csv.match(/,tie\r\n/g)).toHaveLength(of);
    const json = await readFile(await studio.download(() => click('JSON'), OPEN), 'utf8');
    expect((JSON.parse(json) as { votes: unknown[] }).votes).toMatchObject([{ ties: of, first: 0 }]);
  });

  it('evaluates a file of questions with choices, and refuses a pattern that cannot be read', async () => {
    const path = join(folder, 'questions.jsonl');
    const questions = ['day', 'night'].map((time, i) => ({
      question: `Is it ${time}?`,
      choices: ['yes', 'no'],
      answer: i,
    }));
    await writeFile(path, questions.map((question) => `${JSON.stringify(question)}\n`).join(''));
    await studio.evaluate(
      () => document.querySelectorAll<HTMLElement>('#chat label.radio')[1]!.click(),
      null,
    );
    await studio.setFiles('#chat .batch input[type="file"]', [path]);
    await click('Evaluate the file');
    await studio.waitForText('Accuracy, by length', OPEN);
    await studio.waitForText('Evaluate the file', OPEN);
    await studio.fill('Pattern that the answer has to contain', '(');
    await click('Evaluate the file');
    await studio.waitForText('The metric regex cannot be computed: its pattern cannot be read');
  });

  it('compares dtypes on the held-out rows before a merge', async () => {
    await studio.view('Export');
    await click('Compare dtypes on 4 eval rows');
    await studio.waitForText('Merged in each dtype. Unmerged: eval loss', OPEN);
    const table = await studio.evaluate(
      () =>
        [...document.querySelectorAll('#export tbody tr')].map((row) =>
          [...row.children].map((cell) => cell.textContent ?? ''),
        ),
      null,
    );
    const changes = new Map(table.map(([dtype, , change]) => [dtype, Number(change)]));
    // In F32 a merge computes what base and adapter do, but for the order of sums; BF16 rounds it.
    expect(changes.get('F32')).toBeLessThan(changes.get('F16')!);
    expect(changes.get('F16')).toBeLessThan(changes.get('BF16')!);
    await studio.view('Chat');
  });

  it('keeps the conversation, its sides and the added row in the project', async () => {
    await studio.click({ role: 'tab', name: 'Chat' });
    const turns = await userTurns();
    await studio.waitForText('Saved in this browser');
    await expect
      .poll(() => studio.evaluate(() => localStorage.getItem('graft.project.pending'), null))
      .toBe(null);
    await studio.killTab();
    await studio.open();
    await studio.waitForText('pirates', OPEN);
    await studio.view('Data');
    await studio.waitForText('1 row added', OPEN);
    await dropModel(studio, starter);
    await studio.view('Chat');
    expect(await userTurns()).toEqual(turns);
    // The adapter is gone with the tab; the checkpoint on the right still answers.
    await send('Do you know Pip?');
    const answers = await answersOf(studio, turns.length);
    expect(answers).toHaveLength(2);
    expect(studio.problems).toEqual([]);
  });

  it('switches between adapters of the shelf, and mixes two', async () => {
    const files = await openModelFiles(nodeFolder(starter));
    for (const [i, rank] of [2, 3].entries()) {
      const path = join(folder, `shelf-${rank}`);
      await mkdir(path);
      await writeAdapter(nodeFolder(path), randomPeft(files, { rank }, { seed: i, size: 1 }));
      await studio.dropFiles('#chat', [path]);
      await studio.waitForText(`Adapter “shelf-${rank}”: rank ${rank}`, OPEN);
    }
    await click('Adapters');
    await studio.waitForText('rank 2, ');
    await studio.select('Add to the mix', 'shelf-2');
    await studio.select('Add to the mix', 'shelf-3');
    await studio.fill('Weight of shelf-3', '0');
    await studio.select('Rule', 'cat');
    await click('Mix adapters');
    await studio.waitForText('Adapter “shelf-2 + shelf-3”: rank 5', OPEN);
    expect(await accessibilityProblems(studio)).toEqual([]);
    await studio.screenshot('chat-adapters');
    await click('Close');
    // A mix with 1 and 0 answers as the first does; the base is another.
    await click('Clear');
    await studio.fill('Max new tokens', '6');
    await studio.select('Answers on the left', 'Adapter “shelf-2”');
    await studio.select('Answers on the right', 'Adapter “shelf-2 + shelf-3”');
    await send('Where does Pip live?');
    const [one, mix] = await answersOf(studio, 0);
    expect(mix).toBe(one);
    await click('Clear');
    await studio.select('Answers on the right', 'Adapter “shelf-3”');
    await studio.select('Answers on the left', 'Base model');
    await send('Where does Pip live?');
    const [base, other] = await answersOf(studio, 0);
    expect(new Set([one, base, other]).size).toBe(3);
    expect(studio.problems).toEqual([]);
  });
});
