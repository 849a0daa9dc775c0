import { beforeAll, describe, expect, test } from 'vitest';
import {
  assistant,
  assistantTurn,
  marked,
  plainChatml,
  refused,
  systemTurn,
  user,
  userTurn,
} from '../../../testing/markedRows.ts';
import { llama2Tokenizer } from '../../../testing/tokenizers.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

// Tool descriptions, tool calls and tool results.

let plain: Tokenizer;
beforeAll(async () => {
  plain = await plainChatml();
});

describe('tools', () => {
  const tool = { type: 'function', function: { name: 'weather', parameters: { type: 'object' } } };
  const toolText =
    '<tools>\n{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}\n</tools>';
  const call = (args: unknown) => ({
    id: 'c1',
    type: 'function',
    function: { name: 'weather', arguments: args },
  });
  const callText = '<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo"}}\n</tool_call><|im_end|>';
  const result = '<|im_start|>user\n<tool_response>\n3\n</tool_response><|im_end|>\n';
  const turns = (made: object, answer = { role: 'tool', tool_call_id: 'c1', content: '3' } as object) => [
    user('weather?'),
    made,
    answer,
    assistant('3 degrees'),
  ];
  const expected = `${userTurn('weather?')}${assistantTurn(`[[${callText}]]`)}${result}${assistantTurn('[[3 degrees<|im_end|>]]')}`;
  const made = (fields: object) => assistant(null, fields);

  test.each<[string, object[]]>([
    ['arguments as an object', turns(made({ tool_calls: [call({ city: 'Oslo' })] }))],
    ['arguments as text', turns(made({ tool_calls: [call('{"city": "Oslo"}')] }))],
    ['no type', turns(made({ tool_calls: [{ function: call({ city: 'Oslo' }).function }] }))],
    ['a bare call', turns(made({ tool_calls: [call({ city: 'Oslo' }).function] }))],
    ['calls as JSON', turns(made({ tool_calls: JSON.stringify([call({ city: 'Oslo' })]) }))],
    ['function_call', turns(made({ function_call: call('{"city": "Oslo"}').function }))],
    [
      'role function',
      turns(made({ tool_calls: [call({ city: 'Oslo' })] }), {
        role: 'function',
        name: 'weather',
        content: '3',
      }),
    ],
    [
      'role observation',
      turns(made({ tool_calls: [call({ city: 'Oslo' })] }), { role: 'observation', content: '3' }),
    ],
    [
      'role ipython',
      turns(made({ tool_calls: [call({ city: 'Oslo' })] }), { role: 'ipython', content: '3' }),
    ],
    [
      'role tool_call',
      turns(
        { role: 'tool_call', content: '{"name": "weather", "arguments": {"city": "Oslo"}}' },
        { role: 'tool_response', content: '3' },
      ),
    ],
    ['no content', turns({ role: 'assistant', tool_calls: [call({ city: 'Oslo' })] })],
  ])('calls: %s', async (_, messages) => {
    expect(await marked({ messages })).toEqual([expected]);
  });

  test('calls in ShareGPT turns', async () => {
    const conversations = [
      { from: 'human', value: 'weather?' },
      { from: 'function_call', value: '{"name": "weather", "arguments": {"city": "Oslo"}}' },
      { from: 'observation', value: '3' },
      { from: 'gpt', value: '3 degrees' },
    ];
    expect(await marked({ conversations })).toEqual([expected]);
  });

  test.each<[string, object]>([
    ['beside the messages', { tools: [tool] }],
    ['as text', { tools: JSON.stringify([tool]) }],
    ['as a list of texts', { tools: [JSON.stringify(tool)] }],
    ['functions', { functions: [tool.function] }],
  ])('descriptions: %s', async (_, fields) => {
    const row = { messages: [user('hi'), assistant('hello')], ...fields };
    expect(await marked(row)).toEqual([
      `<|im_start|>system\n# Tools\n${toolText}<|im_end|>\n${userTurn('hi')}${assistantTurn('[[hello<|im_end|>]]')}`,
    ]);
    expect(await refused(row, {}, plain)).toMatchObject({ code: 'data.no_place' });
  });

  test('descriptions in the system message', async () => {
    const messages = [
      { role: 'system', content: 'Be brief.', tools: [tool] },
      user('hi'),
      assistant('hello'),
    ];
    expect((await marked({ messages }))[0]).toContain(`Be brief.\n\n# Tools\n${toolText}<|im_end|>`);
  });

  test.each([null, [], '[]', 'null', ''])('no descriptions: %j', async (tools) => {
    const row = {
      messages: [user('hi'), assistant('hello', { tool_calls: null, function_call: null })],
      tools,
    };
    expect(await marked(row, {}, plain)).toEqual([
      `${userTurn('hi')}${assistantTurn('[[hello<|im_end|>]]')}`,
    ]);
  });

  test('calls are context if not trained', async () => {
    const messages = turns(assistant('Let me look', { tool_calls: [call({ city: 'Oslo' })] }));
    const [text] = await marked({ messages }, { trainToolCalls: false });
    expect(text).toContain('assistant\n[[Let me look]]\n<tool_call>');
    expect(text).toContain('</tool_call>[[<|im_end|>]]');
  });

  test('a template without tool support makes the row a problem', async () => {
    const { code, message } = await refused({ messages: turns(made({ tool_calls: [call({})] })) }, {}, plain);
    expect(code).toBe('data.no_place');
    expect(message).toBe(
      'Line 1 of rows.jsonl: the model’s chat template ignores "messages[1].tool_calls", so it would be lost. Choose a model whose template supports it, or write it into a message as text.',
    );
    const llama2 = await llama2Tokenizer();
    expect(await refused({ messages: turns(made({ tool_calls: [call({})] })) }, {}, llama2)).toMatchObject({
      code: 'data.no_template',
    });
  });

  test.each<[string, object]>([
    ['data.field_not_json', { tools: '[{"name": ' }],
    ['data.bad_field', { tools: [3] }],
    ['data.missing_field', { messages: [user('a'), made({ tool_calls: [{ function: {} }] })] }],
    ['data.field_not_json', { messages: [user('a'), { role: 'function_call', content: 'weather(Oslo)' }] }],
    ['data.unsupported_field', { messages: [{ ...user('a'), tool_calls: [call({})] }, assistant('b')] }],
  ])('%s', async (code, fields) => {
    const row = { messages: [user('hi'), assistant('hello')], ...fields };
    expect(await refused(row)).toMatchObject({ code });
  });

  test('Glaive rows', async () => {
    const row = {
      system:
        'SYSTEM: You are a helpful assistant with access to the following functions. Use them if required -\n{\n  "name": "weather",\n  "parameters": {"type": "object"}\n}\n',
      chat: 'USER: weather?\n\n\nASSISTANT: <functioncall> {"name": "weather", "arguments": \'{"city": "Oslo"}\'} <|endoftext|>\n\n\nFUNCTION RESPONSE: 3\n\n\nASSISTANT: 3 degrees <|endoftext|>\n\n\n',
    };
    expect(await marked(row)).toEqual([
      `<|im_start|>system\nYou are a helpful assistant\n\n# Tools\n${toolText}<|im_end|>\n${expected}`,
    ]);
  });

  test('Hermes rows have calls and results as text, and their tools twice', async () => {
    const conversations = [
      { from: 'system', value: 'Use <tools>\n{"name": "weather"}\n</tools>' },
      { from: 'human', value: 'weather?' },
      { from: 'gpt', value: '<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo"}}\n</tool_call>' },
      { from: 'tool', value: '<tool_response>\n3\n</tool_response>' },
      { from: 'gpt', value: '3 degrees' },
    ];
    const [text] = await marked({ conversations, tools: '[{"name": "weather"}]' });
    expect(text).toBe(
      `${systemTurn('Use <tools>\n{"name": "weather"}\n</tools>')}${userTurn('weather?')}${assistantTurn(`[[${callText}]]`)}${result}${assistantTurn('[[3 degrees<|im_end|>]]')}`,
    );
  });
});
