import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { memorySource } from '../../../testing/sources.ts';
import { toJsonText } from './exactJson.ts';
import { parseDataset } from './parse.ts';

const parse = (text: string, name = 'rows.csv') => parseDataset(memorySource(name, text));

describe('CSV tables', () => {
  test('quoted cells hold delimiters, quotes and line breaks; rows carry the line they start on', async () => {
    const { rows, kind, problems } = await parse(
      '\ufeffprompt,completion\r\n"Hi, you","He said ""no""\r\nand left"\r\n\r\nb,c\r\n',
    );
    expect(kind).toBe('csv');
    expect(problems).toEqual([]);
    expect(rows).toEqual([
      { line: 2, value: { prompt: 'Hi, you', completion: 'He said "no"\r\nand left' } },
      { line: 5, value: { prompt: 'b', completion: 'c' } },
    ]);
  });

  test('the delimiter is detected, unnamed columns get a number', async () => {
    expect((await parse('a\tb\n1\t2, 3\n', 'rows.tsv')).rows[0]?.value).toEqual({ a: '1', b: '2, 3' });
    expect((await parse('x;x;;y\n1;2;3;4\n')).rows[0]?.value).toEqual({
      x: '1',
      'x 2': '2',
      'column 3': '3',
      y: '4',
    });
  });

  test('rows of the wrong width and unclosed quotes are problems with line numbers', async () => {
    const parsed = await parse('a,b\n1,2\n3\n4,5\n6,"7\n8,9\n');
    expect(parsed.rows.map(({ line }) => line)).toEqual([2, 4]);
    expect(parsed.problems).toMatchObject([
      { line: 3, code: 'data.csv_cells', params: { found: 1, expected: 2 } },
      { line: 5, code: 'data.csv_unclosed' },
    ]);
  });

  test('reads back what an RFC 4180 writer writes', async () => {
    const cell = fc.string({ unit: fc.constantFrom('a', 'é', ',', '"', '\n', ' ', ';', '字') });
    const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 8 }), async (written) => {
        const text = ['left,right', ...written.map((cells) => cells.map(quoted).join(','))].join('\n');
        const { rows } = await parse(text);
        expect(rows.map(({ value }) => [value.left, value.right])).toEqual(written);
      }),
    );
  });

  test('sep= names the delimiter; otherwise the one that splits all records evenly wins', async () => {
    expect((await parse('sep=;\r\nprompt;completion\r\na, b, c;d\r\n')).rows).toEqual([
      { line: 3, value: { prompt: 'a, b, c', completion: 'd' } },
    ]);
    expect((await parse('"sep=|"\na|b\n1|2\n')).rows[0]?.value).toEqual({ a: '1', b: '2' });
    expect((await parse('id|what, and why|x\n1|a, b|c\n2|d|e\n')).rows[1]?.value).toEqual({
      id: '2',
      'what, and why': 'd',
      x: 'e',
    });
  });

  test('an index column, padded, duplicate or missing names; one column; blank lines', async () => {
    expect((await parse(',prompt , prompt,__proto__\n0,a,b,c\n')).rows[0]?.value).toEqual(
      JSON.parse('{"column 1":"0","prompt":"a","prompt 3":"b","__proto__":"c"}'),
    );
    const { rows, problems } = await parse('text\n\nThe 5" pipe\n   \n""\nA "b" c\n');
    expect(rows.map(({ line, value }) => [line, value.text])).toEqual([
      [3, 'The 5" pipe'],
      [5, ''],
      [6, 'A "b" c'],
    ]);
    expect(problems).toEqual([]);
    // A row of empty cells is still a row.
    expect((await parse('a\tb\n\t\n', 'x.tsv')).rows).toEqual([{ line: 2, value: { a: '', b: '' } }]);
  });
});

describe('cells that hold JSON', () => {
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
  const one = async (columns: string, ...cells: string[]) =>
    parse(`${columns},id\n${cells.map(quoted).join(',')},1\nx${',x'.repeat(cells.length)}\n`);
  const turns = [{ role: 'user', content: 'hi' }];

  test('is parsed in columns that hold nothing else, with numbers as written', async () => {
    const tools = '[{"type":"function","n":1.0}]';
    const { rows } = await one('messages,tools,input_ids', JSON.stringify(turns), tools, '[1, 2]');
    expect(rows[0]?.value).toMatchObject({ messages: turns, input_ids: [1, 2], id: '1' });
    expect(toJsonText(rows[0]?.value.tools)).toBe(tools);
    const columns = await one('conversations', '{"from":["human"],"value":["hi"]}');
    expect(columns.rows[0]?.value.conversations).toEqual([{ from: 'human', value: 'hi' }]);
  });

  test('stays text where an answer may be JSON, except for turns', async () => {
    const json = '{"name": "x", "list": [1]}';
    const { rows } = await one('prompt,completion', JSON.stringify(turns), json);
    expect(rows[0]?.value).toEqual({ prompt: turns, completion: json, id: '1' });
    expect((await one('prompt,text', '[note] a', json)).rows[0]?.value).toMatchObject({
      prompt: '[note] a',
      text: json,
    });
  });

  test('printed by Python, or broken, is a problem of its row', async () => {
    const python = await one('messages', "[{'role': 'user', 'content': 'hi'}]");
    expect(python.problems).toMatchObject([
      { line: 2, code: 'data.cell_python', params: { field: 'messages' } },
    ]);
    const numpy = await one(
      'prompt',
      "[{'content': 'hi', 'role': 'user'}\n {'content': 'x', 'role': 'user'}]",
    );
    expect(numpy.problems).toMatchObject([{ code: 'data.cell_python' }]);
    const broken = await one('messages', '[{"role":"user"');
    expect(broken.problems).toMatchObject([{ line: 2, code: 'data.cell_json' }]);
    // Columns that may be unused never reject a row.
    const other = await one('text,labels,meta', 'a', '[sports, news', "{'a': None}");
    expect(other.problems).toEqual([]);
    expect(other.rows[0]?.value).toMatchObject({ labels: '[sports, news', meta: "{'a': None}" });
  });
});
