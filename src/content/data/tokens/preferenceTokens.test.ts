import { beforeAll, describe, expect, test } from 'vitest';
import { assistant, assistantTurn, chatmlWithTools, user, userTurn } from '../../../testing/markedRows.ts';
import { defaultReading } from '../../../base/config/reading.ts';
import type { Recipe } from '../../../base/config/recipe.ts';
import { readTokenRows, tokenRowFiles } from '../../runs/tokenRowFiles.ts';
import type { Row } from '../files/row.ts';
import { detectFormat } from '../rows/formats.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { buildMicroBatch } from './microBatch.ts';
import { sequencesOf } from './preferenceColumn.ts';
import { rowShapes, cutShapes } from './rowShapes.ts';
import { splitDataset } from './split.ts';
import { tokenizeRows } from './tokenize.ts';
import type { TokenRows } from './tokenRows.ts';

let chatml: Tokenizer;
beforeAll(async () => {
  chatml = await chatmlWithTools();
});

const rowsOf = (values: object[]): Row[] =>
  values.map((value, i) => ({ line: i + 1, value: value as Row['value'] }));

function tokens(values: object[], objective: Recipe['objective'], changes: object = {}) {
  const rows = rowsOf(values);
  const options = {
    ...defaultReading,
    objective,
    format: detectFormat(rows),
    tokenizer: chatml,
    maxLength: 1000,
    vocabSize: 10_000,
    ...changes,
  };
  return tokenizeRows({ name: 'pairs.jsonl', rows }, options);
}

/** The sequences of a row as text, what is trained in [[ ]]. */
function sequences(rows: TokenRows, row = 0): string[] {
  return sequencesOf(rows, row).map(({ start, end }) => {
    let text = '';
    let trained = false;
    for (let i = start; i < end; i++) {
      const own = rows.labels[i] !== -100;
      if (own !== trained) text += own ? '[[' : ']]';
      trained = own;
      text += chatml.decode([rows.ids[i]!], { skipSpecialTokens: false });
    }
    return trained ? `${text}]]` : text;
  });
}

const list = (content: string) => [user('hi'), assistant(content)];
const turns = (answer: string) =>
  `${userTurn('hi')}${assistantTurn(`[[${answer}<|im_end|>`)}`.replace(/\n$/, '\n]]');

describe('pairs', () => {
  test.each<[string, object]>([
    ['TRL', { prompt: 'hi', chosen: 'good', rejected: 'bad' }],
    [
      'TRL with messages',
      { prompt: [user('hi')], chosen: [assistant('good')], rejected: [assistant('bad')] },
    ],
    ['TRL without prompt', { chosen: list('good'), rejected: list('bad') }],
    ['UltraFeedback', { prompt: 'hi', chosen: list('good'), rejected: list('bad'), score_chosen: 8 }],
    ['HH', { chosen: '\n\nHuman: hi\n\nAssistant: good', rejected: '\n\nHuman: hi\n\nAssistant: bad' }],
    ['LLaMA-Factory, Alpaca', { instruction: 'hi', input: '', chosen: 'good', rejected: 'bad' }],
    [
      'LLaMA-Factory, ShareGPT',
      {
        conversations: [{ from: 'human', value: 'hi' }],
        chosen: { from: 'gpt', value: 'good' },
        rejected: { from: 'gpt', value: 'bad' },
      },
    ],
    ['ms-swift', { messages: list('good'), rejected_response: 'bad' }],
    ['ms-swift with messages', { messages: list('good'), rejected_messages: list('bad') }],
    [
      'OpenAI',
      {
        input: { messages: [user('hi')], tools: [], parallel_tool_calls: true },
        preferred_output: [assistant('good')],
        non_preferred_output: [assistant('bad')],
      },
    ],
  ])('%s: both answers, each after the prompt', (_, row) => {
    const made = tokens([row], 'dpo');
    expect(made.problems).toEqual([]);
    expect(made.preference?.kind).toBe('pairs');
    expect(sequences(made)).toEqual([turns('good'), turns('bad')]);
  });

  test('ORPO trains the prompt of the better answer too', () => {
    const [better, worse] = sequences(tokens([{ prompt: 'hi', chosen: 'good', rejected: 'bad' }], 'orpo'));
    expect(better).toBe(`${turns('good').replace('[[', '').replace('<|im_start|>', '<|im_start|>[[')}`);
    expect(worse).toBe(turns('bad'));
  });

  test('earlier answers are context', () => {
    const before = [user('a'), assistant('b')];
    const row = { chosen: [...before, ...list('good')], rejected: [...before, ...list('bad')] };
    const context = `${userTurn('a')}${assistantTurn('b<|im_end|>')}`;
    expect(sequences(tokens([row], 'simpo'))).toEqual([
      `${context}${turns('good')}`,
      `${context}${turns('bad')}`,
    ]);
  });

  test('pre-tokenized pairs need no tokenizer', () => {
    const row = { prompt_ids: [1, 2], chosen_ids: [3, 4], rejected_ids: [5] };
    const made = tokens([row], 'cpo', { tokenizer: null });
    expect([...made.ids]).toEqual([1, 2, 3, 4, 1, 2, 5]);
    expect([...made.labels]).toEqual([-100, -100, 3, 4, -100, -100, 5]);
    expect(made.preference).toEqual({ kind: 'pairs', values: Uint32Array.of(4) });
    expect(() => tokens([row], 'sft', { tokenizer: null, strict: true })).toThrow(/chosen_ids/);
  });

  test('each sequence is cut, and a prompt that leaves no room is refused', () => {
    const ids = (count: number) => Array.from({ length: count }, (_, i) => i + 1);
    const rows = [
      { prompt_ids: ids(3), chosen_ids: ids(9), rejected_ids: ids(2) },
      { prompt_ids: ids(6), chosen_ids: ids(1), rejected_ids: ids(1) },
    ];
    const made = tokens(rows, 'dpo', { tokenizer: null, maxLength: 6 });
    expect(sequencesOf(made, 0).map(({ start, end }) => end - start)).toEqual([6, 5]);
    expect(made).toMatchObject({ truncated: 1, truncatedTokens: 6 });
    expect(made.problems.map(({ line, code }) => [line, code])).toEqual([[2, 'data.cut_away']]);
  });

  test.each<[string, object, string]>([
    ['an answer without another', { prompt: 'hi', completion: 'good' }, 'data.no_pair'],
    ['a label', { prompt: 'hi', completion: 'good', label: true }, 'data.no_pair'],
    ['an empty answer', { prompt_ids: [1, 2], chosen_ids: [], rejected_ids: [3] }, 'data.no_trained_tokens'],
    [
      'a weighted answer',
      { messages: [user('hi'), { ...assistant('good'), weight: 0.5 }], rejected_response: 'bad' },
      'data.answer_weighted',
    ],
  ])('%s is refused by its line', (_, row, code) => {
    expect(tokens([row], 'dpo').problems.map((problem) => [problem.line, problem.code])).toEqual([[1, code]]);
  });
});

describe('answers that are good or bad', () => {
  test.each<[string, object]>([
    ['TRL', { prompt: 'hi', completion: 'bad', label: false }],
    ['TRL with messages', { prompt: [user('hi')], completion: [assistant('bad')], label: false }],
    ['LLaMA-Factory', { messages: list('bad'), label: 'false' }],
    ['LLaMA-Factory, Alpaca', { instruction: 'hi', input: '', output: 'bad', kto_tag: false }],
  ])('%s', (_, row) => {
    const made = tokens([row], 'kto');
    expect(made.problems).toEqual([]);
    expect(made.preference).toEqual({ kind: 'labels', values: Uint32Array.of(0) });
    expect(sequences(made)).toEqual([turns('bad')]);
  });

  test('a pair is taken apart', () => {
    const made = tokens([{ prompt: 'hi', chosen: 'good', rejected: 'bad' }], 'kto');
    expect([...made.preference!.values]).toEqual([1, 0]);
    expect([0, 1].flatMap((row) => sequences(made, row))).toEqual([turns('good'), turns('bad')]);
  });

  test('an answer without a label is refused', () => {
    const { problems } = tokens([{ prompt: 'hi', completion: 'good' }], 'kto');
    expect(problems.map(({ code }) => code)).toEqual(['data.no_label']);
  });
});

describe('rows of tokens', () => {
  const pairs = () =>
    tokens(
      [
        { prompt_ids: [1, 2], chosen_ids: [3, 4], rejected_ids: [5] },
        { prompt_ids: [6], chosen_ids: [7], rejected_ids: [8, 9, 10] },
        { prompt_ids: [11, 12], chosen_ids: [13], rejected_ids: [14] },
      ],
      'dpo',
      { tokenizer: null },
    );
  const labeled = () =>
    tokens(
      [
        { prompt_ids: [1, 2], completion_ids: [3, 4, 5], label: true },
        { prompt_ids: [6], completion_ids: [7], label: false },
      ],
      'kto',
      { tokenizer: null },
    );

  test('a pair is two segments of a micro-batch', () => {
    const batch = buildMicroBatch(pairs(), [[1], [0]]);
    expect([...batch.tokens]).toEqual([6, 7, 6, 8, 9, 10, 1, 2, 3, 4, 1, 2, 5]);
    expect([...batch.segmentStart]).toEqual([0, 0, 2, 2, 2, 2, 6, 6, 6, 6, 10, 10, 10]);
    expect([...batch.targetIds]).toEqual([7, 8, 9, 10, 3, 4, 5]);
    expect(batch.rows).toBe(2);
    expect(batch.preference).toEqual({
      mismatched: null,
      answers: [
        { promptStart: 0, start: 0, end: 1, good: true, id: 2 },
        { promptStart: 1, start: 1, end: 4, good: false, id: 3 },
        { promptStart: 4, start: 4, end: 6, good: true, id: 0 },
        { promptStart: 6, start: 6, end: 7, good: false, id: 1 },
      ],
    });
  });

  test('the prompt that ORPO trains is not of the answer', () => {
    const rows = tokens([{ prompt_ids: [1, 2, 3], chosen_ids: [4, 5], rejected_ids: [6] }], 'orpo', {
      tokenizer: null,
    });
    const { targetIds, preference } = buildMicroBatch(rows, [[0]]);
    expect([...targetIds]).toEqual([2, 3, 4, 5, 6]);
    expect(preference!.answers).toMatchObject([
      { promptStart: 0, start: 2, end: 4 },
      { promptStart: 4, start: 4, end: 5 },
    ]);
  });

  test('prompts get the answers of their neighbors', () => {
    const { mismatched, answers } = buildMicroBatch(labeled(), [[0], [1]]).preference!;
    expect(answers.map(({ good }) => good)).toEqual([true, false]);
    expect([...mismatched!.tokens]).toEqual([1, 2, 7, 6, 3, 4, 5]);
    expect([...mismatched!.targetIds]).toEqual([7, 3, 4, 5]);
    const cut = buildMicroBatch(labeled(), [[0], [1]], 3).preference!.mismatched!;
    expect([...cut.tokens]).toEqual([1, 2, 7, 6, 3, 4]);
  });

  test('keep what they are to preference training when split, stored and cut', async () => {
    const { train, evaluation } = splitDataset(pairs(), 1, 1);
    const lengths = [train, evaluation!].flatMap((part) => [...part.preference!.values]);
    expect(lengths.toSorted()).toEqual([2, 3, 4]);
    for (const rows of [pairs(), labeled()]) {
      const read = await readTokenRows('train', tokenRowFiles('train', rows));
      expect(read).toMatchObject({ preference: rows.preference, ids: rows.ids });
    }
    const shapes = rowShapes(pairs());
    expect(shapes).toMatchObject({ tokens: Uint32Array.of(7, 6, 6), targets: Uint32Array.of(3, 4, 2) });
    expect(cutShapes(shapes, 3)).toMatchObject({
      tokens: Uint32Array.of(6, 5, 6),
      first: Uint32Array.of(3, 2, 3),
    });
  });
});
