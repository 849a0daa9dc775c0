import { beforeAll, describe, expect, test } from 'vitest';
import {
  assistant,
  assistantTurn,
  chatmlWithTools,
  inspectRows,
  marked,
  markedTexts,
  user,
  userTurn,
} from '../../../testing/markedRows.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

// Rows that mark answers as good or bad.

let chatml: Tokenizer;
beforeAll(async () => {
  chatml = await chatmlWithTools();
});

describe('preference data', () => {
  const pair = { chosen: 'good', rejected: 'bad' };
  const good = `${userTurn('hi')}${assistantTurn('[[good<|im_end|>]]')}`;
  const list = (content: string) => [user('hi'), assistant(content)];
  test.each<[string, object]>([
    ['TRL', { prompt: 'hi', ...pair }],
    [
      'TRL with messages',
      { prompt: [user('hi')], chosen: [assistant('good')], rejected: [assistant('bad')] },
    ],
    ['TRL without prompt', { chosen: list('good'), rejected: list('bad') }],
    ['UltraFeedback', { prompt: 'hi', chosen: list('good'), rejected: list('bad'), score_chosen: 8 }],
    ['HH', { chosen: '\n\nHuman: hi\n\nAssistant: good', rejected: '\n\nHuman: hi\n\nAssistant: bad' }],
    ['LLaMA-Factory, Alpaca', { instruction: 'hi', input: '', ...pair }],
    [
      'LLaMA-Factory, ShareGPT',
      {
        conversations: [{ from: 'human', value: 'hi' }],
        chosen: { from: 'gpt', value: 'good' },
        rejected: { from: 'gpt', value: 'bad' },
      },
    ],
    [
      'OpenAI',
      {
        input: { messages: [user('hi')] },
        preferred_output: [assistant('good')],
        non_preferred_output: [assistant('bad')],
      },
    ],
    ['question and responses', { question: 'hi', response_j: 'good', response_k: 'bad' }],
  ])('pairs: %s', async (_, row) => {
    const report = await inspectRows(chatml, [row]);
    expect(report).toMatchObject({ format: 'preference', preference: 'pairs', used: 0 });
    expect(report.problems.map(({ code }) => code)).toEqual(['data.preference_pair']);
    expect(await marked(row, { preferenceData: 'chosen' })).toEqual([good]);
  });

  test('a conversation that ends with the better answer is trained on, and reported', async () => {
    const report = await inspectRows(chatml, [{ messages: list('good'), rejected_response: 'bad' }]);
    expect(report).toMatchObject({ preference: 'pairs', used: 1 });
    expect(report.findings.map(({ code }) => code)).toContain('preference');
    expect(markedTexts(report)).toEqual([good]);
  });

  test.each([false, 'False', 0])('an answer labeled %j is never trained on', async (label) => {
    for (const field of ['label', 'kto_tag']) {
      const rows = [
        { prompt: 'hi', completion: 'bad', [field]: label },
        { prompt: 'hi', completion: 'good', [field]: true },
      ];
      const first = await inspectRows(chatml, rows);
      expect(first).toMatchObject({ preference: 'labels', used: 0 });
      const report = await inspectRows(chatml, rows, { preferenceData: 'chosen' });
      expect(report.problems.map(({ line, code }) => [line, code])).toEqual([[1, 'data.bad_answer']]);
      expect(markedTexts(report)).toEqual([good]);
    }
  });

  test('other labels are plain columns', async () => {
    const report = await inspectRows(chatml, [{ prompt: 'hi', completion: 'good', label: 'sports' }]);
    expect(report).toMatchObject({ preference: null, used: 1, unused: ['label'] });
  });
});
