import { describe, expect, test } from 'vitest';
import { fixture, qwenTokenizer } from '../../../testing/tokenizers.ts';
import { defaultReading } from '../../../base/config/reading.ts';
import { rowPreview } from './rowPreview.ts';
import { tokenizeRows } from '../tokens/tokenize.ts';

const look = { name: 'look', description: 'Look at it', parameters: { type: 'object', properties: {} } };
const toolRow = {
  tools: [{ type: 'function', function: look }],
  messages: [
    { role: 'user', content: 'Weather?' },
    {
      role: 'assistant',
      content: '',
      reasoning_content: 'Look first.',
      tool_calls: [{ type: 'function', function: { name: 'look', arguments: { at: 'sky' } } }],
    },
    { role: 'tool', content: 'sunny' },
    { role: 'assistant', content: 'It is sunny.' },
  ],
};
const thinkingRow = {
  messages: [
    { role: 'user', content: 'Hi' },
    { role: 'assistant', content: 'Hello.', reasoning_content: 'Greet.' },
    { role: 'user', content: 'And?' },
    { role: 'assistant', content: 'Well.', reasoning_content: 'Say it.' },
  ],
};
const options = {
  ...defaultReading,
  format: 'messages' as const,
  maxLength: 1000,
  now: new Date(2025, 2, 9),
};

const open = () => qwenTokenizer(fixture('tools.jinja'));

/** The parts of a given kind, each as one text. */
async function partsOf(value: Record<string, unknown>, changes: Partial<typeof options> = {}) {
  const rows = rowPreview(await open(), { line: 1, value }, { ...options, ...changes });
  return rows.map((pieces) => {
    const parts: [string, string][] = [];
    let before: string | undefined;
    for (const { kind, text } of pieces) {
      if (kind !== undefined && kind === before) parts.at(-1)![1] += text;
      else if (kind !== undefined) parts.push([kind, text]);
      before = kind;
    }
    return parts;
  });
}

describe('rowPreview', () => {
  test('marks where tools, thoughts, calls and results start and end', async () => {
    const [parts] = await partsOf(toolRow);
    const tool = `{"type": "function", "function": ${JSON.stringify(look, null, 1).replace(/\n */g, ' ')}}`;
    const spaced = tool.replaceAll('{ ', '{').replaceAll(' }', '}');
    expect(parts).toEqual([
      ['tools', `<|im_start|>system\n# Tools\n<tools>\n${spaced}\n</tools><|im_end|>\n`],
      ['thought', '<think>\nLook first.\n</think>\n\n'],
      ['call', '<tool_call>\n{"name": "look", "arguments": {"at": "sky"}}\n</tool_call>'],
      ['result', 'sunny'],
    ]);
  });

  test('splits turns into rows, each with its own thought', async () => {
    expect(await partsOf(thinkingRow, { splitTurns: true })).toEqual([
      [['thought', '<think>\nGreet.\n</think>\n\n']],
      [['thought', '<think>\nSay it.\n</think>\n\n']],
    ]);
  });
});

test('earlier thoughts are lost if the conversation is one row, but not if each turn is', async () => {
  const tokenizer = await open();
  const read = (splitTurns: boolean) =>
    tokenizeRows(
      { name: 'rows.jsonl', rows: [{ line: 1, value: thinkingRow }] },
      { ...options, splitTurns, tokenizer, vocabSize: 100_000 },
    );
  expect([...read(false).droppedThoughts]).toEqual([tokenizer.encode('Greet.').length]);
  expect([...read(true).droppedThoughts]).toEqual([0, 0]);
});
