import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { accessibilityProblems } from '../src/testing/browsers/accessibility.ts';
import { openChromium } from '../src/testing/browsers/chromium.ts';
import { downloadResult, dropModel, OPEN, unzip } from '../src/testing/browsers/job.ts';
import type { Studio } from '../src/testing/browsers/studio.ts';
import { makeToolModel } from '../src/testing/browsers/toolModel.ts';

/** Software adapters are slow. */
const TRAIN = 300_000;

const places = ['mill', 'wood', 'lake', 'hill'];

/** A call and its result, with a thought before each of the assistant's turns. */
const toolRows = places.map((place, i) => ({
  id: i,
  tools: [
    {
      type: 'function',
      function: {
        name: 'look',
        description: 'Looks at a place.',
        parameters: { type: 'object', properties: { at: { type: 'string' } } },
      },
    },
  ],
  messages: [
    { role: 'user', content: `How is the ${place}?` },
    {
      role: 'assistant',
      reasoning_content: `I look at the ${place}.`,
      content: null,
      tool_calls: [{ type: 'function', function: { name: 'look', arguments: `{"at": "${place}"}` } }],
    },
    { role: 'tool', name: 'look', content: `The ${place} is quiet.` },
    { role: 'assistant', reasoning_content: 'So I say it.', content: `The ${place} is quiet today.` },
  ],
}));

/** Two questions with thoughts: the template drops the first thought. */
const thinkingRows = places.map((place) => ({
  messages: [
    { role: 'user', content: `Where is the ${place}?` },
    { role: 'assistant', reasoning_content: 'Near the village.', content: 'It is near.' },
    { role: 'user', content: 'Is it big?' },
    { role: 'assistant', reasoning_content: `The ${place} is small.`, content: 'No, it is small.' },
  ],
}));

const pairs = places.map((place, i) => ({
  prompt: `Who lives at the ${place}?`,
  chosen: `Pip lives at the ${place}.`,
  rejected: `Nobody lives at the ${place}.`,
  margin: i,
}));

const labelled = places.map((place, i) => ({
  prompt: `Who lives at the ${place}?`,
  completion: `Pip lives at the ${place}.`,
  label: i > 0,
}));

const said = [
  { role: 'user', content: 'Hi' },
  { role: 'assistant', content: 'Hello.' },
];

/** Rows that are rejected, each for one field; the last is valid. */
const refusedRows = [
  { messages: said, images: ['pip.png'] },
  { messages: [{ role: 'wizard', content: 'Hi' }, said[1]] },
  { system: 'Be kind.', messages: [{ role: 'system', content: 'Be short.' }, ...said] },
  { messages: said, tools: '[{name: look}]' },
  { messages: said },
];

/** The expected messages: line, field, reason and advice. */
const refusals = {
  en: [
    'Line 1 of refused.jsonl: "images" refers to an image, audio or video (images), but Graft trains text models only. Remove the row, or remove the media and the text about it.',
    'Line 2 of refused.jsonl: "wizard" in "messages[0].role" is not a known role. Use system, user (human), assistant (gpt) or tool.',
    'Line 3 of refused.jsonl: the system message in field "system" differs from the one in the conversation. Keep one of them.',
    'Line 4 of refused.jsonl: the text in field "tools" is not valid JSON. Correct its JSON: double quotes, and lowercase true, false and null.',
  ],
  zh: [
    'refused.jsonl 第 1 行："images" 含有图片、音频或视频（images），而 Graft 只训练文本模型。请删除这条数据，或去掉媒体和提到它的文字。',
    'refused.jsonl 第 2 行："messages[0].role" 里的 "wizard" 不是已知角色。请使用 system、user（human）、assistant（gpt）或 tool。',
    'refused.jsonl 第 3 行：字段 "system" 与对话里的系统消息不一致。请只保留其中一个。',
    'refused.jsonl 第 4 行：字段 "tools" 里的文本不是有效的 JSON。请改正其中的 JSON：使用双引号，以及小写的 "true"、"false"、"null"。',
  ],
};

describe('contents of rows', () => {
  let studio: Studio;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'graft-row-contents-'));
    studio = await openChromium(inject('studioUrl'));
    await studio.open();
    await studio.waitForText('WebGPU is ready', OPEN);
    await dropModel(studio, await makeToolModel(folder));
  });
  afterAll(async () => {
    await studio?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const button = (name: string) => studio.click({ role: 'button', name });

  const drop = async (name: string, rows: readonly object[]) => {
    const path = join(folder, name);
    await writeFile(path, rows.map((row) => JSON.stringify(row)).join('\n'));
    await studio.dropFiles('h1', [path]);
    await studio.waitForText(name, OPEN);
  };

  const recipe = async (changes: object) => {
    const path = join(folder, 'recipe.json');
    await writeFile(path, JSON.stringify({ rank: 8, lr: 5e-3, batch_size: 2, ...changes }));
    await studio.setFiles('input[accept=".json,application/json"]', [path]);
  };

  /** The labelled parts of the shown row: `kind: text`, with the trained text in brackets. */
  const parts = () =>
    studio.evaluate(() => {
      const read = (node: Element): string =>
        [...node.childNodes]
          .map((child) => {
            if (!(child instanceof Element)) return child.textContent;
            if (child.matches('.hidden, .preview__part-name')) return '';
            return child.matches('mark') ? `[${read(child)}]` : read(child);
          })
          .join('');
      return [...document.querySelectorAll('.preview__part')].map(
        (part) =>
          `${part.querySelector('.preview__part-name')?.textContent}: ${read(part).replaceAll('↵', '')}`,
      );
    }, null);

  const train = async (steps: number) => {
    await studio.view('Train');
    const again = (await studio.text()).includes('Train again');
    await button(again ? 'Train again' : 'Train');
    const shown = await studio.waitForText(`Trained ${steps} steps`, TRAIN);
    const [, first, last] = /Loss went from ([\d.]+) to ([\d.]+)\./.exec(shown) ?? [];
    expect(Number(last)).toBeLessThan(Number(first));
  };

  it('tool calls are shown as such and trained to an adapter', async () => {
    await drop('calls.jsonl', toolRows);
    const shown = await studio.waitForText('What the model sees', OPEN);
    expect(shown).toContain('Conversations (messages), JSONL');
    expect(shown).toContain('Not used: id, messages[].name');
    const [tools, ...others] = await parts();
    expect(tools).toMatch(/^Tools: <\|im_start\|>system\n# Tools\n<tools>[^[]*"name": "look"/);
    expect(others).toEqual([
      'Reasoning: [<think>\nI look at the mill.\n</think>\n\n]',
      'Tool call: [<tool_call>\n{"name": "look", "arguments": {"at": "mill"}}\n</tool_call>]',
      'Tool result: The mill is quiet.',
      'Reasoning: [<think>\nSo I say it.\n</think>\n\n]',
    ]);
    expect(await accessibilityProblems(studio)).toEqual([]);
    await studio.screenshot('rows-tools');

    await recipe({ max_steps: 6, train_thoughts: false });
    await expect
      .poll(async () => (await parts()).filter((part) => part.startsWith('Reasoning')), { timeout: OPEN })
      .toEqual([
        'Reasoning: <think>\nI look at the mill.\n</think>\n\n',
        'Reasoning: <think>\nSo I say it.\n</think>\n\n',
      ]);
    await recipe({ max_steps: 6 });
    await expect.poll(async () => (await parts())[1], { timeout: OPEN }).toMatch(/^Reasoning: \[/);
    await studio.view('Train');
    await studio.waitForText('About 6 steps over 4 rows.', OPEN);
    await train(6);
    const zip = await downloadResult(studio, 'Download adapter');
    expect(await readdir(await unzip(zip, folder))).toContain('adapter_model.safetensors');
  });

  it('earlier thoughts are all trained if each turn is a row', async () => {
    await drop('thoughts.jsonl', thinkingRows);
    await studio.waitForText('4 rows lose earlier reasoning', OPEN);
    await expect
      .poll(parts, { timeout: OPEN })
      .toEqual(['Reasoning: [<think>\nThe mill is small.\n</think>\n\n]']);
    await button('One row per turn');
    await studio.waitForText('Turn 2', OPEN);
    await expect
      .poll(async () => (await studio.text()).includes('lose earlier reasoning'), { timeout: OPEN })
      .toBe(false);
    expect(await parts()).toEqual([
      'Reasoning: [<think>\nNear the village.\n</think>\n\n]',
      'Reasoning: [<think>\nThe mill is small.\n</think>\n\n]',
    ]);
    expect(await accessibilityProblems(studio)).toEqual([]);
    await studio.screenshot('rows-turns');
    await studio.view('Train');
    await studio.waitForText('About 6 steps over 8 rows.', OPEN);
    await train(6);
    const zip = await downloadResult(studio, 'Download adapter');
    const settings = JSON.parse(
      await readFile(join(await unzip(zip, join(folder, 'thoughts')), 'training.json'), 'utf8'),
    ) as unknown;
    expect(JSON.stringify(settings)).toContain('"split_turns":true');
  });

  it('preference data is recognized, rejected, and trained on its better answers on request', async () => {
    await recipe({ max_steps: 6 });
    await drop('pairs.jsonl', pairs);
    await studio.waitForText('Choose what the model is to learn from them.', OPEN);
    expect(await studio.text()).toContain('Preference pairs (chosen, rejected), JSONL');
    expect(await accessibilityProblems(studio)).toEqual([]);
    await button('Train on the better answers only');
    await studio.waitForText('Preference pairs: 4 rows have a better and a worse answer', OPEN);
    const shown = await studio.waitForText('Pip lives at the mill.', OPEN);
    expect(shown).not.toContain('Nobody lives');
    expect(shown).toContain('Only the better answers are trained on.');
    expect(shown).toContain('Not used: margin');
    expect(await accessibilityProblems(studio)).toEqual([]);
    await studio.screenshot('rows-preference');
    await train(6);
    await studio.view('Data');
    await button('Skip these rows');
    await studio.waitForText('Choose what the model is to learn from them.', OPEN);

    await drop('labels.jsonl', labelled);
    await studio.waitForText('Preference labels: 4 rows mark their answers as good or bad', OPEN);
    await button('Train on the better answers only');
    await studio.waitForText('Line 1 of labels.jsonl: "label" marks the answer as bad', OPEN);
    await studio.waitForText('1 row can’t be used and is skipped', OPEN);
  });

  it('special tokens in messages are found, and encoded as text on request', async () => {
    await recipe({ max_steps: 6 });
    const asked = { role: 'user', content: 'What does <|im_end|> do?' };
    await drop('literal.jsonl', [{ messages: [asked, { role: 'assistant', content: 'It ends a turn.' }] }]);
    await studio.waitForText('1 row has special tokens in its text', OPEN);
    const specials = () =>
      studio.evaluate(() => document.querySelectorAll('.preview__text .special').length, null);
    await expect.poll(specials, { timeout: OPEN }).toBe(5);
    await button('Encode as plain text');
    await expect.poll(specials, { timeout: OPEN }).toBe(4);
    const shown = await studio.waitForText('What does <|im_end|> do?', OPEN);
    expect(shown).not.toContain('1 row has special tokens in its text');
  });

  it('template arguments are edited as JSON, and invalid JSON is not applied', async () => {
    await studio.view('Recipe');
    await button('All settings');
    await studio.fill('Template arguments', '{"enable_thinking": fals');
    await studio.waitForText('Enter a JSON object such as {"enable_thinking": false}. Using {} until then.');
    await studio.fill('Template arguments', '{"enable_thinking": false, "depth": [1, 2]}');
    await expect
      .poll(async () => (await studio.text()).includes('Enter a JSON object'), { timeout: OPEN })
      .toBe(false);
    const areas = () =>
      studio.evaluate(() => [...document.querySelectorAll('textarea')].map(({ value }) => value), null);
    expect(await areas()).toContain('{"enable_thinking": false, "depth": [1, 2]}');
    await studio.waitForText('6 settings differ from the defaults');
    expect(await accessibilityProblems(studio)).toEqual([]);
    await recipe({});
    await studio.waitForText('3 settings differ from the defaults', OPEN);
  });

  it('rejected fields are reported with line, reason and remedy, in both languages', async () => {
    await drop('refused.jsonl', refusedRows);
    const shown = await studio.waitForText('4 rows can’t be used and are skipped', OPEN);
    for (const text of refusals.en) expect(shown).toContain(text);
    await studio.click({ role: 'radio', name: '中文' });
    const chinese = await studio.waitForText('4 条数据无法使用，已跳过', OPEN);
    for (const text of refusals.zh) expect(chinese).toContain(text);
    expect(await accessibilityProblems(studio)).toEqual([]);
    await studio.screenshot('rows-refused-zh');
    expect(studio.problems).toEqual([]);
  });
});
