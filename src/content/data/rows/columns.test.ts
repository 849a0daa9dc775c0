import { describe, expect, test } from 'vitest';
import { columnsOf, guessMapping, mappedConversation } from './columns.ts';

const columns = (...names: string[]) => names.map((name) => ({ name, sample: 'x', rows: 1 }));

describe('columns', () => {
  test('are those that hold text, with a sample', () => {
    const rows = [
      { line: 1, value: { id: 7, question: '', tags: ['a'] } },
      { line: 2, value: { id: 8, question: 'Why?', answer: 'So.' } },
    ];
    expect(columnsOf(rows)).toEqual([
      { name: 'id', sample: '7', rows: 2 },
      { name: 'question', sample: 'Why?', rows: 2 },
      { name: 'answer', sample: 'So.', rows: 1 },
    ]);
  });

  test('are those of all rows, the most frequent first', () => {
    const odd = { line: 1, value: { note: 'skip me' } };
    const late = Array.from({ length: 300 }, (_, at) => ({
      line: at + 2,
      value: { q: `${at}`, a: 'yes', ...(at > 200 && { source: 'web' }) },
    }));
    expect(columnsOf([odd, ...late]).map(({ name, rows }) => [name, rows])).toEqual([
      ['q', 300],
      ['a', 300],
      ['source', 99],
      ['note', 1],
    ]);
  });

  test('are guessed by name, then by position', () => {
    expect(guessMapping(columns('id', 'question', 'context', 'answer', 'system'))).toEqual({
      kind: 'prompt',
      system: 'system',
      prompt: ['question', 'context'],
      response: 'answer',
    });
    expect(guessMapping(columns('问题', '回答'))).toMatchObject({ prompt: ['问题'], response: '回答' });
    expect(guessMapping(columns('id', 'body'))).toEqual({ kind: 'text', text: 'body' });
    expect(guessMapping(columns('a', 'b'))).toMatchObject({ prompt: ['a'], response: 'b' });
    expect(guessMapping(columns('q', 'output'))).toMatchObject({ prompt: ['q'], response: 'output' });
    expect(guessMapping(columns('only'))).toEqual({ kind: 'text', text: 'only' });
    expect(guessMapping([])).toBeNull();
  });

  test('become a conversation; empty cells before the answer are omitted', () => {
    const mapping = { kind: 'prompt', system: 's', prompt: ['q', 'more'], response: 'a' } as const;
    const turn = (value: Record<string, unknown>) => mappedConversation({ line: 1, value }, mapping);
    expect(turn({ s: 'Be kind.', q: 'Hi', more: 'there', a: 3 })).toEqual({
      messages: [
        { role: 'system', content: 'Be kind.' },
        { role: 'user', content: 'Hi\nthere' },
        { role: 'assistant', content: '3' },
      ],
    });
    expect(turn({ q: 'Hi', a: 'x' })).toEqual({
      messages: [
        { role: 'user', content: 'Hi' },
        { role: 'assistant', content: 'x' },
      ],
    });
    expect(() => turn({ q: 'Hi' })).toThrow(/"a"/);
    expect(() => turn({ q: 'Hi', a: { b: 1 } })).toThrow(/"a" is an object/);
  });
});
