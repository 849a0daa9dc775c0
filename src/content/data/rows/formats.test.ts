import { describe, expect, test } from 'vitest';
import { alpaca, robotStories } from '../../../testing/fixtures.ts';
import { needShared, sharedPath } from '../../../testing/shared.ts';
import { detectFormat, toConversation, type DataFormat } from './formats.ts';
import { parseDataset } from '../files/parse.ts';
import { diskSource } from '../../../testing/sources.ts';

const detect = (...values: Record<string, unknown>[]) =>
  detectFormat(values.map((value, i) => ({ line: i + 1, value })));
const convert = (value: Record<string, unknown>, format: DataFormat = detect(value)) =>
  toConversation({ line: 1, value }, format);
const turn = (role: string, content: string) => ({ role, content });

describe('detection', () => {
  test.each<[DataFormat, Record<string, unknown>]>([
    ['messages', { messages: [turn('user', 'a')] }],
    ['messages', { conversations: [turn('user', 'a')] }],
    ['sharegpt', { conversations: [{ from: 'human', value: 'a' }] }],
    [
      'qwen',
      {
        id: 'x',
        conversations: [
          { from: 'user', value: 'a' },
          { from: 'assistant', value: 'b' },
        ],
      },
    ],
    ['alpaca', { instruction: 'a', input: '', output: 'b' }],
    ['prompt_completion', { prompt: 'a', completion: 'b' }],
    ['prompt_completion', { prompt: [turn('user', 'a')], completion: [turn('assistant', 'b')] }],
    ['text', { text: 'a' }],
    ['tokenized', { input_ids: [1, 2], labels: [-100, 2] }],
  ])('%s', (format, row) => {
    expect(detect(row)).toBe(format);
  });

  test('the majority of rows decides, and fields must be own properties', () => {
    expect(detect({ text: 'a' }, { prompt: 'a', completion: 'b' }, { text: 'c' })).toBe('text');
    const human = { conversations: [{ from: 'human', value: 'a' }] };
    const user = { conversations: [{ from: 'user', value: 'a' }] };
    expect(detect(user, user, human)).toBe('sharegpt');
    const poisoned = JSON.parse('{"__proto__":{"text":"a"},"q":1}') as Record<string, unknown>;
    expect(() => detect(poisoned)).toThrow('fields on line 1: __proto__, q');
  });
});

describe('conversion', () => {
  test('ShareGPT roles, both spellings of the list, and the system field', () => {
    expect(
      convert({
        system: 'be brief',
        conversations: [
          { from: 'human', value: 'a' },
          { from: 'gpt', value: 'b' },
          { from: 'tool', value: 'c' },
          { from: 'observation', value: 'd' },
          { from: 'assistant', value: 'e' },
        ],
      }),
    ).toEqual({
      messages: [
        turn('system', 'be brief'),
        turn('user', 'a'),
        turn('assistant', 'b'),
        turn('tool', 'c'),
        { ...turn('tool', 'd'), roleName: 'observation' },
        turn('assistant', 'e'),
      ],
    });
    expect(convert({ messages: [{ from: 'human', value: 'a' }] }, 'sharegpt')).toEqual({
      messages: [turn('user', 'a')],
    });
  });

  test('Qwen v1 gets its system message', () => {
    expect(
      convert({
        conversations: [
          { from: 'user', value: 'a' },
          { from: 'assistant', value: 'b' },
        ],
      }),
    ).toEqual({
      messages: [turn('system', 'You are a helpful assistant.'), turn('user', 'a'), turn('assistant', 'b')],
    });
  });

  test('Alpaca with input, system and history', () => {
    expect(
      convert({ instruction: 'a', input: 'b', output: 'c', system: 's', history: [['q', 'r']] }),
    ).toEqual({
      messages: [
        turn('system', 's'),
        turn('user', 'q'),
        turn('assistant', 'r'),
        turn('user', 'a\nb'),
        turn('assistant', 'c'),
      ],
    });
    expect(convert({ instruction: 'a', output: 'c', input: null })).toEqual({
      messages: [turn('user', 'a'), turn('assistant', 'c')],
    });
  });

  test('a conversational prompt is not trained on', () => {
    const prompt = [turn('user', 'a'), turn('assistant', 'b'), turn('user', 'c')];
    expect(convert({ prompt, completion: [turn('assistant', 'd')] })).toEqual({
      messages: [...prompt, turn('assistant', 'd')],
      firstTrained: 3,
    });
  });

  test('text parts are joined; tokenized rows are checked', () => {
    const parts = [
      { type: 'text', text: 'a' },
      { type: 'text', text: 'b' },
    ];
    expect(convert({ messages: [{ role: 'user', content: parts }] })).toEqual({
      messages: [turn('user', 'ab')],
    });
    expect(
      convert({ input_ids: [5, 6, 0, 0], labels: [-100, 6, -100, -100], attention_mask: [1, 1, 0, 0] }),
    ).toEqual({
      inputIds: [5, 6],
      labels: [-100, 6],
    });
    expect(convert({ input_ids: [5, 6] })).toEqual({ inputIds: [5, 6], labels: [5, 6] });
  });

  test.each<[string, string, Record<string, unknown>, DataFormat]>([
    [
      'data.missing_field',
      'messages[1].content',
      { messages: [turn('user', 'a'), { role: 'user' }] },
      'messages',
    ],
    ['data.bad_field', 'messages[0].content', { messages: [{ role: 'user', content: 3 }] }, 'messages'],
    ['data.bad_field', 'messages[0]', { messages: ['a'] }, 'messages'],
    ['data.bad_field', 'messages', { messages: [] }, 'messages'],
    ['data.unknown_role', 'messages[0].role', { messages: [turn('wizard', 'a')] }, 'messages'],
    ['data.unknown_role', 'messages[0].role', { messages: [turn('constructor', 'a')] }, 'messages'],
    ['data.bad_field', 'tools', { tools: [3], messages: [turn('user', 'a')] }, 'messages'],
    ['data.field_not_json', 'tools', { tools: '[{', messages: [turn('user', 'a')] }, 'messages'],
    [
      'data.missing_field',
      'messages[0].tool_calls[0].name',
      { messages: [{ role: 'assistant', tool_calls: [{ function: {} }] }] },
      'messages',
    ],
    [
      'data.media',
      'messages[0].content[0]',
      { messages: [{ role: 'user', content: [{ type: 'image' }] }] },
      'messages',
    ],
    ['data.missing_field', 'conversations[0].content', { conversations: [{ from: 'human' }] }, 'sharegpt'],
    ['data.missing_field', 'output', { instruction: 'a' }, 'alpaca'],
    ['data.bad_field', 'history[0]', { instruction: 'a', output: 'b', history: ['x'] }, 'alpaca'],
    ['data.bad_field', 'prompt', { prompt: 1, completion: 'b' }, 'prompt_completion'],
    ['data.missing_field', 'text', { prompt: 'a' }, 'text'],
    ['data.lone_surrogate', 'text', { text: 'a\ud83d' }, 'text'],
    ['data.bad_ids', 'input_ids', { input_ids: [1, 1.5] }, 'tokenized'],
    ['data.bad_ids', 'input_ids', { input_ids: [-100] }, 'tokenized'],
    ['data.bad_ids', 'labels', { input_ids: [1, 2], labels: [-1, 2] }, 'tokenized'],
  ])('%s names %s', (code, field, row, format) => {
    expect(() => convert(row, format)).toThrow(
      expect.objectContaining({ code, params: expect.objectContaining({ field }) }),
    );
  });

  test('tokenized rows of unequal lengths or with inner padding', () => {
    expect(() => convert({ input_ids: [1], labels: [1, 2] })).toThrow(
      '"input_ids" has 1 entries and "labels" has 2',
    );
    expect(() => convert({ input_ids: [1, 2], attention_mask: [0, 1] })).toThrow('not at the end');
  });
});

describe('whole files', () => {
  const expectFormat = async (path: string, format: DataFormat) => {
    const parsed = await parseDataset(diskSource(path));
    expect(detectFormat(parsed.rows, parsed.name)).toBe(format);
    for (const row of parsed.rows) expect(toConversation(row, format)).toBeDefined();
  };

  test('are detected and every row converts', async () => {
    await expectFormat(robotStories, 'prompt_completion');
    await expectFormat(alpaca, 'alpaca');
  });

  test.for(['alpaca_en_demo.json', 'identity.json'])('of others too: %s', async (file, context) => {
    needShared(context, `data/${file}`);
    await expectFormat(sharedPath(`data/${file}`), 'alpaca');
  });
});
