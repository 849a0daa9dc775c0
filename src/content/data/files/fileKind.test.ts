import { describe, expect, test } from 'vitest';
import { memorySource } from '../../../testing/sources.ts';
import { parseDataset } from './parse.ts';

const parse = (name: string, content: string | Uint8Array) => parseDataset(memorySource(name, content));
const latin1 = (text: string) => Uint8Array.from(text, (sign) => sign.charCodeAt(0));
const a = '{"prompt":"a","completion":"b"}';
const b = '{"prompt":"c","completion":"d"}';
const values = [
  { prompt: 'a', completion: 'b' },
  { prompt: 'c', completion: 'd' },
];

describe('a file is read by its content, under any name', () => {
  test.each([
    ['train.jsonl', `${a}\n${b}\n`, 'jsonl', 'name'],
    ['train.jsonl.txt', `${a}\n${b}\n`, 'jsonl', 'content'],
    ['train.txt', `${a}\n${b}\n`, 'jsonl', 'content'],
    ['train.csv', `${a}\n${b}\n`, 'jsonl', 'content'],
    ['train.json', `${a}\n${b}\n`, 'jsonl', 'content'],
    ['train.parquet', `${a}\n${b}\n`, 'jsonl', 'content'],
    ['train', `\n ${a}\n${b}`, 'jsonl', 'content'],
    ['train.json.txt', `[\n ${a},\n\n ${b}\n]\n`, 'json', 'content'],
    ['train.md', `[${a},${b}]`, 'json', 'content'],
    ['train.jsonl', `[${a},${b}]`, 'json', 'content'],
    ['train.json', `[${a},${b}]`, 'json', 'name'],
    ['train.txt', JSON.stringify({ data: values }, null, 2), 'json', 'content'],
    ['train.csv.txt', 'prompt,completion\na,b\nc,d\n', 'csv', 'content'],
    ['train.txt', 'prompt\tcompletion\na\tb\nc\td\n', 'csv', 'content'],
    ['train.jsonl', 'prompt;completion\na;b\nc;d\n', 'csv', 'content'],
    ['train.dat', '"prompt","completion"\n"a","b"\n"c","d"\n', 'csv', 'content'],
    ['train.TSV', 'prompt\tcompletion\na\tb\nc\td\n', 'csv', 'name'],
  ])('%s: %j', async (name, content, kind, kindFrom) => {
    const parsed = await parse(name, content);
    expect({ kind: parsed.kind, kindFrom: parsed.kindFrom, problems: parsed.problems }).toEqual({
      kind,
      kindFrom,
      problems: [],
    });
    expect(parsed.rows.map(({ value }) => value)).toEqual(values);
  });

  test('text with a few broken JSON lines among many is JSON, and those lines are problems', async () => {
    const parsed = await parse('log.txt', `${`${a}\n`.repeat(9)}oops\n`);
    expect([parsed.kind, parsed.rows.length, parsed.problems[0]?.line]).toEqual(['jsonl', 9, 10]);
  });

  test.each([
    '{"a": 1} is an object.\nThis is prose.\n',
    '{\\bf Bold} is LaTeX.\n',
    '{curly} words\n',
    '[1] Smith et al.\n[2] Jones\n',
    '["a", "list"]\n',
    '[{"a": 1} and so on\n',
    'Text, and then more\nAnother line, here\n',
    'Question, answer: two words\nYes, no\n',
    'prompt, completion\n',
    'prompt,completion\na,b\nhere, there, everywhere\n',
    'instruction\nDo this, then that.\n',
    'ORCHIDS and GIF89a and RIFFs\n',
    '%TEX root\n',
  ])('but a text stays text: %j', async (content) => {
    const parsed = await parse('book.txt', content);
    expect([parsed.kind, parsed.kindFrom]).toEqual(['txt', 'name']);
    const lines = parsed.rows.map(({ value }) => value.text);
    expect(lines.join('\n')).toBe(content.trimEnd());
  });

  test('a file with neither clear content nor a known name is rejected', async () => {
    await expect(parse('notes', 'just prose\n')).rejects.toMatchObject({ code: 'data.kind_unclear' });
    await expect(parse('x.parquet', 'prose')).rejects.toMatchObject({ code: 'data.parquet_invalid' });
    await expect(parse('x.jsonl', 'prose')).rejects.toMatchObject({ code: 'data.no_valid_rows' });
  });
});

test.each([
  ['PK\x03\x04\x14\0\0\0\x08\0[Content_Types].xml xl/workbook.xml', 'an Excel workbook'],
  ['PK\x03\x04\x14\0\0\0\x08\0a.txt', 'a zip archive'],
  ['\x1f\x8b\x08\0', 'gzip-compressed'],
  ['BZh91AY&SY\x01\0', 'bzip2-compressed'],
  ['%PDF-1.7\n%\xe2\xe3\n', 'a PDF document'],
  ['{\\rtf1\\ansi', 'an RTF document'],
  ['\x89PNG\r\n\x1a\n\0\0', 'an image'],
  ['\xff\xd8\xff\xe0\0\x10JFIF', 'an image'],
  ['SQLite format 3\0\x10\0\x01\x01', 'an SQLite database'],
  ['ARROW1\0\0\xff\xff\xff\xff\x10\0\0\0', 'an Arrow or Feather file'],
  ['\x40\0\0\0\0\0\0\0{"a":{"dtype":"F32"}}', 'a safetensors file'],
  ['GGUF\x03\0\0\0\x01\0\0\0', 'a GGUF file'],
  ['\x80\x04\x95\x10\0\0\0', 'a Python pickle'],
  ['\x01\x02\0\x7f\x03\x10\0\xf0\x05\x06\0\x90\x07', 'a binary file'],
])('%j is rejected as %s, even with a text file’s name', async (bytes, kind) => {
  for (const name of ['data.jsonl', 'data.txt', 'data']) {
    await expect(parse(name, latin1(bytes))).rejects.toMatchObject({
      code: 'data.not_text',
      params: { file: name, kind },
    });
  }
});

test('single NUL characters are problems of their lines', async () => {
  for (const [name, content] of [
    ['d.jsonl', `${a}\n{"prompt":"\0"}\n`],
    ['d.csv', 'prompt,completion\na,b\n\0,d\n'],
    ['d.txt', 'some text\n\n\0 and more\n'],
  ] as const) {
    const parsed = await parse(name, content);
    expect([name, parsed.rows.length, parsed.problems[0]?.code]).toEqual([name, 1, 'data.nul_bytes']);
  }
});

test('a lone CR ends lines of text too', async () => {
  const parsed = await parse('d.txt', 'one\rtwo\r\rthree\r\n');
  expect(parsed.rows).toEqual([
    { line: 1, value: { text: 'one\ntwo' } },
    { line: 4, value: { text: 'three' } },
  ]);
});
