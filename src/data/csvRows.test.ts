import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { memorySource } from '../testing/sources.ts';
import { parseDataset } from './parse.ts';

const parse = (text: string, name = 'rows.csv') => parseDataset(memorySource(name, text));

describe('tables of text', () => {
  test('cells in quotes hold delimiters, quotes and line breaks; rows carry the line they begin on', async () => {
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

  test('the delimiter is found, columns without a name of their own get a number', async () => {
    expect((await parse('a\tb\n1\t2, 3\n', 'rows.tsv')).rows[0]?.value).toEqual({ a: '1', b: '2, 3' });
    expect((await parse('x;x;;y\n1;2;3;4\n')).rows[0]?.value).toEqual({
      x: '1',
      'x 2': '2',
      'column 3': '3',
      y: '4',
    });
  });

  test('rows that don’t fit and quotes that stay open are problems by line', async () => {
    const parsed = await parse('a,b\n1,2\n3\n4,5\n6,"7\n8,9\n');
    expect(parsed.rows.map(({ line }) => line)).toEqual([2, 4]);
    expect(parsed.problems).toMatchObject([
      { line: 3, code: 'data.csv_cells', params: { found: 1, expected: 2 } },
      { line: 5, code: 'data.csv_unclosed' },
    ]);
  });

  test('reads back whatever a writer by RFC 4180 wrote', async () => {
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
});
