import { describe, expect, test } from 'vitest';
import { encodedAs, type WideEncoding } from '../../../testing/encodings.ts';
import { memorySource } from '../../../testing/sources.ts';
import { encodingOf, textSource } from './encoding.ts';
import { parseDataset } from './parse.ts';

const WIDE: WideEncoding[] = ['utf-16le', 'utf-16be', 'utf-32le', 'utf-32be'];
const rows = '{"text":"plain"}\n{"text":"東京 é 😀\u2028end"}\r\n{"text":"x"}\r';

describe.each(WIDE)('%s', (encoding) => {
  test.each([true, false])(
    'JSON, tables and text are read and the encoding is reported, with a BOM: %s',
    async (bom) => {
      const parse = (name: string, text: string) =>
        parseDataset(memorySource(name, encodedAs(bom ? `\ufeff${text}` : text, encoding)));
      const jsonl = await parse('d.jsonl', rows);
      expect({ encoding: jsonl.encoding, problems: jsonl.problems }).toEqual({ encoding, problems: [] });
      expect(jsonl.rows.map(({ line, value }) => [line, value.text])).toEqual([
        [1, 'plain'],
        [2, '東京 é 😀\u2028end'],
        [3, 'x'],
      ]);
      expect((await parse('d.csv', 'prompt,completion\n😀,"字\r\n"\n')).rows[0]?.value).toEqual({
        prompt: '😀',
        completion: '字\r\n',
      });
      expect((await parse('d.json', `{"n":1,"data":[\n{"text":"字"}\n]}`)).rows).toEqual([
        { line: 2, value: { text: '字' } },
      ]);
      const chinese = '今天天气很好。\n我们去公园散步。\n2024\n';
      expect((await parse('d.txt', chinese)).rows.map(({ value }) => value.text)).toEqual(
        chinese.trim().split('\n'),
      );
    },
  );

  test('gives the same text for any chunking', async () => {
    const bytes = encodedAs(`é字😀${'a😀'.repeat(400_000)}`, encoding);
    const text = textSource(memorySource('d.txt', bytes), { encoding, bom: 0 });
    const parts: Uint8Array[] = [];
    for await (const { chunk } of text.chunks(2)) parts.push(chunk);
    expect(parts.length).toBeGreaterThan(1);
    expect(await new Blob(parts as BlobPart[]).text()).toBe(`字😀${'a😀'.repeat(400_000)}`);
  });
});

test('a lone surrogate and a cut-off last character are problems of their lines', async () => {
  const cut = [...encodedAs('{"text":"a"}\n{"text":"\ud83d!"}\n{"text":"b"}\n', 'utf-16le'), 0x41];
  const parsed = await parseDataset(memorySource('d.jsonl', Uint8Array.from(cut)));
  expect(parsed.rows.map(({ line }) => line)).toEqual([1, 3]);
  expect(parsed.problems.map(({ line, code }) => `${line} ${code}`)).toEqual([
    '2 data.bad_utf16',
    '4 data.bad_utf16',
  ]);
});

test('UTF-8 with zero bytes in it stays UTF-8', () => {
  const encode = (text: string) => encodingOf(new TextEncoder().encode(text)).encoding;
  expect(encode('{"text":"a\0b"}\n{"text":"cd"}\n')).toBe('utf-8');
  expect(encode('字'.repeat(100) + '\0')).toBe('utf-8');
  expect(encode('a')).toBe('utf-8');
});
