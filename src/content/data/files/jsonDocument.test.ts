import { describe, expect, test } from 'vitest';
import { copyingSource } from '../../../base/storage/byteSource.ts';
import { memorySource } from '../../../testing/sources.ts';
import { parseDataset } from './parse.ts';

const parse = (content: unknown, rowsField?: string, name = 'd.json') =>
  parseDataset(
    memorySource(name, typeof content === 'string' ? content : JSON.stringify(content)),
    undefined,
    rowsField === undefined ? {} : { rowsField },
  );
const a = { prompt: 'a', completion: 'b' };
const b = { prompt: 'c', completion: 'd' };
const turns = [
  { role: 'user', content: 'hi' },
  { role: 'assistant', content: 'yo' },
];

describe('rows in a field of one JSON object', () => {
  test.each([
    ['data', { data: [a, b] }],
    ['whatever', { version: '1.0', whatever: [a, b], count: 2 }],
    ['conversations', { conversations: [{ conversations: turns }, b] }],
    ['data.train', { info: {}, data: { train: [a, b], test: [a] } }],
    ['train', { train: [a, b], validation: [a], test: [b] }],
    ['rows', { features: [{ name: 'prompt', type: {} }], rows: [{ row_idx: 0, row: a }, b] }],
    ['data', { schema: { fields: [{ name: 'index' }] }, data: [{ index: 0, ...a }, b] }],
    ['intents', { intents: [{ tag: 'x', patterns: ['q'] }, b] }],
  ])('are found in %s', async (rowsField, content) => {
    for (const text of [JSON.stringify(content), JSON.stringify(content, null, 2)]) {
      for (const name of ['d.json', 'd.jsonl', 'd.txt']) {
        const parsed = await parse(text, undefined, name);
        expect(parsed).toMatchObject({ kind: 'json', rowsField, problems: [] });
        expect(parsed.rows.length).toBe(2);
        expect(parsed.rows[1]?.value).toEqual(b);
      }
    }
  });

  test('carry their line numbers; lists that are not read are listed', async () => {
    const text = JSON.stringify({ train: [a, b], validation: [a], test: [b], labels: ['x'] }, null, 1);
    const parsed = await parse(text);
    expect(parsed.rows.map(({ line }) => line)).toEqual([3, 7]);
    expect(parsed.otherRowsFields).toEqual(['validation', 'test']);
    expect((await parse(text, 'test')).rows).toEqual([{ line: 19, value: b }]);
  });

  test('no guess among several lists', async () => {
    const content = { first: [a], second: [b] };
    await expect(parse(content)).rejects.toMatchObject({
      code: 'data.rows_field_unclear',
      params: { fields: 'first, second' },
    });
    expect((await parse(content, 'second')).rows[0]?.value).toEqual(b);
    await expect(parse(content, 'third')).rejects.toMatchObject({
      code: 'data.rows_field_missing',
      params: { field: 'third', fields: 'first, second' },
    });
    await expect(parse([a], 'data')).rejects.toMatchObject({ code: 'data.rows_field_missing' });
    await expect(parse({ data: [] })).rejects.toMatchObject({ code: 'data.empty_file' });
  });

  test('the candidates are listed for programs too; columns can be selected again', async () => {
    const columns = { prompt: ['a', 'b'], completion: ['c', 'd'] };
    const content = { 'first, old': columns, second: columns };
    await expect(parse(content)).rejects.toMatchObject({
      code: 'data.rows_field_unclear',
      params: { fields: 'first, old, second', choices: '["first, old","second"]' },
    });
    const parsed = await parse(content, 'second');
    expect([parsed.rowsField, parsed.otherRowsFields]).toEqual(['second', ['first, old']]);
  });

  test('broken rows leave the others intact', async () => {
    const parsed = await parse(
      '{"data": [\n{"prompt":"a"},\n{"prompt":"b" "x":1},\n{"prompt":"c"\n{"prompt":"d"},\n{"prompt":"e"}',
    );
    expect(parsed.rows.map(({ value }) => value.prompt)).toEqual(['a', 'd', 'e']);
    expect(parsed.problems.map(({ line, code }) => `${line} ${code}`)).toEqual([
      '3 data.invalid_json',
      '4 data.invalid_json',
      '6 data.array_unclosed',
    ]);
  });

  test('cells truncated by the Hub’s viewer are rejected', async () => {
    const parsed = await parse({
      rows: [
        { row_idx: 0, row: a, truncated_cells: ['prompt'] },
        { row_idx: 1, row: b, truncated_cells: [] },
      ],
    });
    expect(parsed.rows.map(({ value }) => value)).toEqual([b]);
    expect(parsed.problems).toMatchObject([{ code: 'data.row_truncated', params: { cells: 'prompt' } }]);
  });

  test('are streamed: a 300 MB file needs no more memory than its rows', async () => {
    const start = new TextEncoder().encode('{"about":"x","data":[\n');
    const element = new TextEncoder().encode(
      `${JSON.stringify({ skip: 'x'.repeat(65_517) })},\n`.padEnd(65_536),
    );
    const end = new TextEncoder().encode('{"text":"last"}]}');
    const count = 4800;
    const size = start.length + element.length * count + end.length;
    let largest = 0;
    const source = copyingSource({
      name: 'big.json',
      size,
      read: (offset, length) => {
        largest = Math.max(largest, length);
        const out = new Uint8Array(length);
        let at = 0;
        while (at < length) {
          const position = offset + at - start.length;
          const inside = position - element.length * count;
          const [from, part] =
            position < 0
              ? [offset + at, start]
              : inside >= 0
                ? [inside, end]
                : [position % element.length, element];
          const piece = part.subarray(from, from + length - at);
          out.set(piece, at);
          at += piece.length;
        }
        return Promise.resolve(out);
      },
    });
    const parsed = await parseDataset(source);
    expect([parsed.rowsField, parsed.rows.length, parsed.problemCount]).toEqual(['data', count + 1, 0]);
    expect(parsed.rows.at(-1)).toEqual({ line: count + 2, value: { text: 'last' } });
    expect(largest).toBeLessThanOrEqual(1 << 20);
  });
});

describe('one JSON object', () => {
  test.each([
    [{ messages: turns, tools: [{ type: 'function' }] }],
    [{ conversations: [{ from: 'human', value: 'x' }] }],
    [{ ...a, sources: [{ text: 'x' }] }],
    [{ prompt: turns, completion: turns }],
    [{ text: 'a', links: [{ url: 'x' }] }],
    [{ input_ids: [1, 2, 3], labels: [1, 2, 3] }],
    [{ question: 'a', answer: null }],
  ])('is a row itself: %j', async (content) => {
    for (const text of [JSON.stringify(content), JSON.stringify(content, null, 2)]) {
      const parsed = await parse(`\n${text}`);
      expect(parsed).toMatchObject({ kind: 'json', problems: [] });
      expect(parsed.rows).toEqual([{ line: 2, value: content }]);
    }
  });

  test.each([
    ['lists', { prompt: ['a', 'c'], completion: ['b', 'd'] }],
    ['objects by the row', { prompt: { 0: 'a', 7: 'c' }, completion: { 0: 'b', 7: 'd' } }],
    ['rows by key', { x1: a, x2: b }],
    [
      'columns and data',
      {
        columns: ['prompt', 'completion'],
        index: [0, 1],
        data: [
          ['a', 'b'],
          ['c', 'd'],
        ],
      },
    ],
    [
      'lists in train',
      { train: { prompt: ['a', 'c'], completion: ['b', 'd'] }, test: { prompt: [], completion: [] } },
    ],
  ])('that holds a table as %s is read', async (_, content) => {
    for (const indent of [0, 2]) {
      const parsed = await parse(JSON.stringify(content, null, indent));
      expect(parsed.problems).toEqual([]);
      expect(parsed.rows.map(({ value }) => value)).toEqual([a, b]);
    }
  });

  test('columns of turns and of tokens are rows', async () => {
    expect((await parse({ messages: [turns, turns] })).rows[1]).toEqual({
      line: 2,
      value: { messages: turns },
    });
    expect((await parse({ input_ids: [[1], [2]] })).rows.length).toBe(2);
    expect((await parse({ text: ['a', 'b'] })).rows[1]?.value).toEqual({ text: 'b' });
  });

  test('columns of different lengths are rejected, broken cells drop their row', async () => {
    await expect(parse({ prompt: ['a', 'b'], completion: ['c'] })).rejects.toMatchObject({
      code: 'data.columns_differ',
      params: { columns: 'prompt 2, completion 1' },
    });
    const parsed = await parse('{"prompt":["a",oops,"c"],"completion":["x","y","z"]}');
    expect(parsed.rows).toEqual([
      { line: 1, value: { prompt: 'a', completion: 'x' } },
      { line: 3, value: { prompt: 'c', completion: 'z' } },
    ]);
    expect(parsed.problems).toMatchObject([{ line: 2, code: 'data.invalid_json' }]);
  });

  test('thousands of rows by key', async () => {
    const content = Object.fromEntries(
      Array.from({ length: 3000 }, (_, i) => [`row-${i}`, { text: `t${i}`, tools: [{ a: 1 }] }]),
    );
    const parsed = await parse(content);
    expect(parsed.rows.length).toBe(3000);
    expect(parsed.rows[2999]?.value.text).toBe('t2999');
  });
});

test('turns as an object of lists become a list of objects', async () => {
  const columns = { role: ['user', 'assistant'], content: ['hi', 'yo'], name: [null, 'x'] };
  const { rows } = await parse(
    `${JSON.stringify({ messages: columns })}\n${JSON.stringify({ messages: { role: ['user'], content: [] }, other: columns })}`,
  );
  expect(rows[0]?.value.messages).toEqual([turns[0], { ...turns[1], name: 'x' }]);
  // Unrelated lists stay as they are, and so do fields that hold no turns.
  expect(rows[1]?.value).toEqual({ messages: { role: ['user'], content: [] }, other: columns });
});
