import { beforeAll, describe, expect, test } from 'vitest';
import {
  assistant,
  assistantTurn,
  chatmlWithTools,
  inspectRows,
  marked,
  markedTexts,
  refused,
  systemTurn,
  user,
  userTurn,
} from '../../../testing/markedRows.ts';
import { fixture, qwenTokenizer } from '../../../testing/tokenizers.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

// Variants of fields and formats: data under other names and in other positions.

let chatml: Tokenizer;
beforeAll(async () => {
  chatml = await chatmlWithTools();
});

const qa = [user('q'), assistant('a')];
const answered = `${userTurn('q')}${assistantTurn('[[a<|im_end|>]]')}`;

describe('fields under other names', () => {
  test.each(['systemPrompt', 'System', 'system-instruction'])('%s is the system message', async (field) => {
    expect(await marked({ messages: qa, [field]: 'S' })).toEqual([systemTurn('S') + answered]);
  });

  test.each(['lossWeight', 'supervise', 'learn', 'trained'])('%s of 0 is context', async (field) => {
    const messages = [user('w'), assistant('x', { [field]: 0 }), ...qa];
    expect(await marked({ messages })).toEqual([
      `${userTurn('w')}${assistantTurn('x<|im_end|>')}${answered}`,
    ]);
  });

  test('a row’s weight in a table may be text', async () => {
    expect(await refused({ prompt: 'q', completion: 'a', weight: '0' })).toMatchObject({
      code: 'data.no_trained_tokens',
      message: expect.stringContaining('weights are 0') as string,
    });
    const report = await inspectRows(chatml, [{ prompt: 'q', completion: 'a', train: 'train', loss: 2.3 }]);
    expect(report).toMatchObject({ used: 1, unused: ['train', 'loss'] });
  });

  test('a thinking mode is not a thought', async () => {
    const report = await inspectRows(chatml, [{ messages: qa, reasoning: 'on' }]);
    expect(markedTexts(report)).toEqual([answered]);
    expect(report.unused).toEqual(['reasoning']);
  });

  test.each(['parameters', 'args', 'input'])('call arguments as %s', async (field) => {
    const call = { name: 'f', [field]: { a: 1 } };
    const [text] = await marked({ messages: [user('q'), assistant(null, { tool_calls: [call] })] });
    expect(text).toContain('[[<tool_call>\n{"name": "f", "arguments": {"a": 1}}');
  });

  test('a message with both spellings, one of them null', async () => {
    const messages = [
      { role: 'user', content: 'q', from: null, value: null },
      { role: null, content: null, from: 'gpt', value: 'a' },
    ];
    expect(await marked({ messages })).toEqual([answered]);
  });

  test('Dolly’s context and Capybara’s pairs', async () => {
    expect(await marked({ instruction: 'q', context: 'c', response: 'a' })).toEqual([
      `${userTurn('q\nc')}${assistantTurn('[[a<|im_end|>]]')}`,
    ]);
    expect(await marked({ conversation: [{ input: 'q', output: 'a' }] })).toEqual([answered]);
  });
});

describe('contradictions are rejected', () => {
  test.each<[string, string, object]>([
    ['data.unsupported_field', 'query', { instruction: 'x', query: 'y', output: 'a' }],
    ['data.unsupported_field', 'response', { instruction: 'x', output: 'a', response: 'b' }],
    ['data.unsupported_field', 'conversations', { messages: qa, conversations: [user('x')] }],
    ['data.unsupported_field', 'thinking', { messages: qa, reasoning: 'one thought', thinking: 'another' }],
    [
      'data.unsupported_field',
      'messages[1].content[0].weight',
      { messages: [user('q'), { role: 'assistant', content: [{ type: 'text', text: 'x', weight: 0 }] }] },
    ],
    [
      'data.unsupported_field',
      'chat_template_kwargs.add_generation_prompt',
      { messages: qa, chat_template_kwargs: { add_generation_prompt: true } },
    ],
    ['data.unsupported_field', 'mask', { messages: qa, mask: [0, 1] }],
    [
      'data.bad_field',
      'messages[1].tool_calls[0].arguments',
      { messages: [user('q'), assistant(null, { tool_calls: [{ name: 'f', arguments: "{'a': 1}" }] })] },
    ],
    ['data.bad_answer', 'rejected', { messages: qa, rejected: 'a' }],
  ])('%s: %s', async (code, field, row) => {
    const { code: found, message } = await refused(row);
    expect(found).toBe(code);
    expect(message).toContain(`"${field}"`);
  });

  test('several sequences in one row of tokens', async () => {
    const row = { input_ids: [5, 6, 7, 5, 6, 7], position_ids: [0, 1, 2, 0, 1, 2] };
    const { problems } = await inspectRows(null, [row, { input_ids: [5, 6], position_ids: [0, 1] }]);
    expect(problems.map(({ line, code }) => [line, code])).toEqual([[1, 'data.unsupported_field']]);
  });
});

describe('mixed formats', () => {
  test('each row is read by its own format', async () => {
    const rows = [
      { instruction: 'q', output: 'a' },
      { messages: qa },
      { prompt: 'q', completion: 'a' },
      { prompt: 'q', response: 'a' },
      { question: 'q', answer: 'a' },
    ];
    const report = await inspectRows(chatml, rows);
    expect(markedTexts(report)).toEqual(rows.map(() => answered));
    expect(report.unused).toEqual([]);
  });

  test('Glaive’s text with further fields', async () => {
    const chat = 'USER: q\n\n\nASSISTANT: a <|endoftext|>';
    expect(await marked({ system: 'SYSTEM: S', chat })).toEqual([systemTurn('S') + answered]);
    expect(await refused({ system: 'SYSTEM: S', chat, weight: 0 })).toMatchObject({
      code: 'data.no_trained_tokens',
    });
  });

  test('tools that the system message only mentions still go to the template', async () => {
    const messages = [{ role: 'system', content: 'Tools are in <tools></tools> tags.' }, ...qa];
    const [text] = await marked({ messages, tools: [{ type: 'function', function: { name: 'f' } }] });
    expect(text).toContain('# Tools\n<tools>\n{"type": "function"');
  });

  test('a pair whose conversation includes the answers', async () => {
    const messages = [user('q'), assistant('bad')];
    const row = { messages, chosen: 'a', rejected: 'bad' };
    expect(await marked(row, { preferenceData: 'chosen' })).toEqual([answered]);
    const verse = { prompt: 'q', chosen: '[Verse 1] la', rejected: 'no' };
    expect((await marked(verse, { preferenceData: 'chosen' }))[0]).toContain('[[[Verse 1] la<|im_end|>]]');
  });
});

describe('end tokens and prompts already present', () => {
  test('an answer with its own end token gets no second one', async () => {
    expect(await marked({ messages: [user('q'), assistant('a<|im_end|>\n')] })).toEqual([answered]);
  });

  test('a prompt that closes the thought, and a completion that starts with the header', async () => {
    const qwen3 = await qwenTokenizer(
      `${fixture('tools.jinja')}{% if add_generation_prompt and enable_thinking is defined and enable_thinking is false %}{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}`,
    );
    const prompt = `${userTurn('q')}<|im_start|>assistant\n<think>\n\n</think>\n\n`;
    expect(await marked({ prompt, completion: 'a<|im_end|>' }, {}, qwen3)).toEqual([
      `${prompt}[[a<|im_end|>]]`,
    ]);
    const split = { prompt: userTurn('q'), completion: '<|im_start|>assistant\na<|im_end|>\n' };
    expect(await marked(split)).toEqual([answered]);
  });

  test('an earlier answer alone is trained as a separate row', async () => {
    const messages = [user('q'), assistant('a', { weight: 1 }), user('x'), assistant('y', { weight: 0 })];
    expect(await marked({ messages }, { splitTurns: true })).toEqual([answered]);
  });

  test('answers that a template renders differently mid-conversation are reported', async () => {
    const qwen3 = await qwenTokenizer(fixture('qwen3.jinja'));
    const report = await inspectRows(qwen3, [{ messages: [...qa, ...qa] }]);
    expect(report.skippedTurns).toBe(1);
    expect(report.findings).toContainEqual({ code: 'turnsSkipped', severity: 'warning', lines: [1] });
  });
});
