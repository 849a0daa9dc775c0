import { describe, expect, test } from 'vitest';
import { copyingSource } from '../../../base/storage/byteSource.ts';
import type { ByteSource } from '../../../base/storage/types.ts';
import { alpaca, robotStories } from '../../../testing/fixtures.ts';
import { needShared, sharedPath } from '../../../testing/shared.ts';
import { parseDataset } from './parse.ts';
import { diskSource, memorySource } from '../../../testing/sources.ts';

const parse = (content: string | Uint8Array, name = 'data.jsonl', strict = false) =>
  parseDataset(memorySource(name, content), undefined, { strict });
const bytes = (...parts: (string | number[])[]) =>
  new Uint8Array(
    parts.flatMap((part) => (typeof part === 'string' ? [...new TextEncoder().encode(part)] : part)),
  );

describe('JSONL', () => {
  test('BOM, CRLF, empty lines and no final line end', async () => {
    const { rows, problems, kind } = await parse(
      '\ufeff{"text":"a"}\r\n\r\n  \n{"text":"b\\r\\n"}\n\n{"text":"c"}',
    );
    expect(kind).toBe('jsonl');
    expect(rows).toEqual([
      { line: 1, value: { text: 'a' } },
      { line: 4, value: { text: 'b\r\n' } },
      { line: 6, value: { text: 'c' } },
    ]);
    expect(problems).toEqual([]);
  });

  test('concatenated files have a BOM before later lines', async () => {
    const { rows, problems } = await parse('{"text":"a"}\n\ufeff{"text":"b"}\n');
    expect([rows.length, problems]).toEqual([2, []]);
  });

  test('only leading BOMs are dropped: U+FEFF inside is data', async () => {
    const { rows } = await parse('{"text":"\ufeffx"}\n');
    expect(rows[0]?.value.text).toBe('\ufeffx');
  });

  test('problems carry line numbers and leave the other rows', async () => {
    const parsed = await parse('{"text":"a"}\nnot json\n[1]\n"x"\nnull\n{"text":"b"}\n{"text":');
    expect(parsed.rows.map((row) => row.line)).toEqual([1, 6]);
    expect(parsed.problems.map(({ line, code }) => `${line} ${code}`)).toEqual([
      '2 data.invalid_json',
      '3 data.row_not_object',
      '4 data.row_not_object',
      '5 data.row_not_object',
      '7 data.invalid_json',
    ]);
    expect(parsed.problemCount).toBe(5);
    expect(parsed.problems[0]?.message).toContain('Line 2 of data.jsonl');
    await expect(parse('{"text":"a"}\nnot json', 'd.jsonl', true)).rejects.toMatchObject({
      code: 'data.invalid_json',
      params: { line: 2, file: 'd.jsonl' },
    });
  });

  test('the list of problems is capped, the count is not', async () => {
    const parsed = await parse('{"text":"a"}\n' + 'x\n'.repeat(1500));
    expect(parsed.problems.length).toBe(1000);
    expect(parsed.problemCount).toBe(1500);
  });

  test('error pages and LFS pointers downloaded instead of data are named', async () => {
    const page = '<!DOCTYPE html>\n<html><body>Log in</body></html>\n';
    const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 1044992\n';
    await expect(parse(page)).rejects.toMatchObject({
      code: 'storage.html_page',
      params: { file: 'data.jsonl' },
    });
    await expect(parse(pointer)).rejects.toMatchObject({ code: 'storage.lfs_pointer' });
    expect((await parse(page, 'page.txt')).rows).toHaveLength(2);
  });

  test('bad UTF-8 is reported with line and byte offset, never replaced', async () => {
    const cases: number[][] = [
      [0xff],
      [0xc0, 0x80],
      [0xed, 0xa0, 0x80],
      [0xf4, 0x90, 0x80, 0x80],
      [0xe2, 0x82],
    ];
    for (const bad of cases) {
      const parsed = await parse(bytes('{"text":"é"}\n{"text":"ok', bad, '"}\n'));
      expect(parsed.rows.length).toBe(1);
      expect(parsed.problems).toMatchObject([{ line: 2, code: 'data.bad_utf8' }]);
      expect(parsed.problems[0]?.message).toContain('offset 25)');
    }
  });

  test('GB18030 and Windows-1252 are read; a line of them in UTF-8 is reported with what it looks like', async () => {
    // "你好，世界" in GB18030.
    const gb = [0xc4, 0xe3, 0xba, 0xc3, 0xa3, 0xac, 0xca, 0xc0, 0xbd, 0xe7];
    const chinese = await parse(bytes('{"text":"', gb, '"}'));
    expect([chinese.encoding, chinese.rows[0]?.value.text]).toEqual(['gb18030', '你好，世界']);
    const latin = await parse(bytes('{"text":"a"}\n{"text":"caf', [0xe9], ' in the morning"}'));
    expect([latin.encoding, latin.rows[1]?.value.text]).toEqual(['windows-1252', 'café in the morning']);
    const mixed = await parse(bytes('{"text":"é"}\n{"text":"', gb.slice(0, 4), '"}\n{"text":"東京の天気"}'));
    expect(mixed.problems.map(({ line, code }) => `${line} ${code}`)).toEqual(['2 data.bad_utf8']);
    expect(mixed.problems[0]?.message).toContain('GB18030');
  });

  test('a depth of 10^6 is a named error, with any brackets', async () => {
    const deep = '['.repeat(1e6);
    const nested =
      '{"text":"a"}\n' + `{"a":${deep}${']'.repeat(1e6)}}\n` + '{"a":'.repeat(1e6) + '1' + '}'.repeat(1e6);
    const parsed = await parse(nested);
    expect(parsed.problems).toMatchObject([
      { line: 2, code: 'data.too_deep' },
      { line: 3, code: 'data.too_deep' },
    ]);
    // Brackets in strings don't count as depth.
    expect((await parse(`{"text":"${'['.repeat(1000)}\\"[["}`)).rows.length).toBe(1);
    const array = await parse(`[{"text":"a"},${deep}${']'.repeat(1e6)}]`, 'd.json');
    expect(array.problems).toMatchObject([{ line: 1, code: 'data.too_deep' }]);
  });

  test('__proto__ stays data', async () => {
    const { rows } = await parse('{"__proto__":{"text":"evil"},"constructor":1}\n{"text":"b"}');
    const value = rows[0]?.value;
    expect(value && Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(value && Object.hasOwn(value, 'text')).toBe(false);
    expect(value?.text).toBeUndefined();
    expect(Object.hasOwn(Object.prototype, 'text')).toBe(false);
  });

  test('empty and binary files are named', async () => {
    await expect(parse('')).rejects.toMatchObject({ code: 'data.empty_file' });
    await expect(parse('\n \n')).rejects.toMatchObject({ code: 'data.empty_file' });
    await expect(parse(bytes([0x1f, 0x8b, 8, 0]))).rejects.toThrow('gzip');
    await expect(parse(bytes('PAR1xxxx'))).rejects.toThrow('Parquet');
    await expect(parse('x\ny\n')).rejects.toMatchObject({ code: 'data.no_valid_rows', params: { count: 2 } });
  });

  test('a 600 MB line is skipped by number without being held', async () => {
    const before = bytes('{"text":"a"}\n{"text":"');
    const after = bytes('"}\n{"text":"b"}\n');
    const middle = 600 * 1024 * 1024;
    const filler = new Uint8Array(1024 * 1024 + 16).fill(0x61);
    let largest = 0;
    const source = copyingSource({
      name: 'big.jsonl',
      size: before.length + middle + after.length,
      read: (offset, length) => {
        largest = Math.max(largest, length);
        const out = filler.slice(0, length);
        for (let i = 0; i < before.length - offset; i++) out[i] = before[offset + i] as number;
        const tail = before.length + middle;
        for (let i = Math.max(0, tail - offset); i < length; i++) out[i] = after[offset + i - tail] as number;
        return Promise.resolve(out);
      },
    });
    const parsed = await parseDataset(source);
    expect(parsed.rows).toEqual([
      { line: 1, value: { text: 'a' } },
      { line: 3, value: { text: 'b' } },
    ]);
    expect(parsed.problems).toMatchObject([{ line: 2, code: 'data.line_too_long' }]);
    expect(largest).toBeLessThanOrEqual(1024 * 1024);
  });

  test('50,000 rows are read once, front to back, and report progress', async () => {
    const lines = Array.from({ length: 50_000 }, (_, i) =>
      JSON.stringify({
        prompt: `question ${i} ${'word '.repeat(40)}`,
        completion: `答え ${i} ${'word '.repeat(80)}`,
      }),
    );
    const seen: number[] = [];
    const source = memorySource('big.jsonl', lines.join('\n'));
    const read: [number, number][] = [];
    const watched: ByteSource = {
      ...source,
      read(offset, length) {
        read.push([offset, offset + length]);
        return source.read(offset, length);
      },
    };
    const parsed = await parseDataset(watched, (done, total) => seen.push(done / total));
    // But for what tells the kind of file.
    const whole = read.slice(read.findLastIndex(([from]) => from === 0));
    expect(whole.map(([from]) => from).slice(1)).toEqual(whole.map(([, to]) => to).slice(0, -1));
    expect(whole.at(-1)![1]).toBe(source.size);
    expect(parsed.rows.length).toBe(50_000);
    expect(parsed.rows.at(-1)?.line).toBe(50_000);
    expect(seen.at(-1)).toBe(1);
    expect(seen.length).toBeGreaterThan(10);
  });
});

describe('JSON arrays', () => {
  test('rows carry the line where they start', async () => {
    const { rows, kind, problems } = await parse(
      '\n[\n  {"text": "a, ]"},\n\n  {\n "text": "b"\n }\n]\n',
      'd.json',
    );
    expect(kind).toBe('json');
    expect(rows).toEqual([
      { line: 3, value: { text: 'a, ]' } },
      { line: 5, value: { text: 'b' } },
    ]);
    expect(problems).toEqual([]);
  });

  test('broken elements, a trailing comma, a missing bracket and text after it are problems', async () => {
    const parsed = await parse('[{"text":"a"},\n{bad},\n{"text":"b"},\n]', 'd.json');
    expect(parsed.rows.length).toBe(2);
    expect(parsed.problems.map((problem) => problem.line)).toEqual([2, 4]);
    const cut = await parse('[{"text":"a"},\n{"text":"b', 'd.json');
    expect(cut.rows.length).toBe(1);
    expect(cut.problems).toMatchObject([{ line: 2, code: 'data.array_unclosed' }]);
    const more = await parse('[{"text":"a"}]\n{"text":"b"}', 'd.json');
    expect(more.problems).toMatchObject([{ line: 2, code: 'data.after_array' }]);
    await expect(parse('[]', 'd.json')).rejects.toMatchObject({ code: 'data.empty_file' });
  });

  test('elements across chunk boundaries', async () => {
    const rows = Array.from({ length: 5000 }, (_, i) => ({ text: `"${i}" \\ ${'é'.repeat(i % 700)}` }));
    const parsed = await parse(JSON.stringify(rows, null, 1), 'd.json');
    expect(parsed.rows.map((row) => row.value)).toEqual(rows);
    expect(parsed.rows[1]?.line).toBe(5);
  });
});

describe('plain text', () => {
  test('paragraphs if blank lines separate them, otherwise lines', async () => {
    expect((await parse('one\r\ntwo\r\n\r\n\r\nthree', 'a.txt')).rows).toEqual([
      { line: 1, value: { text: 'one\ntwo' } },
      { line: 5, value: { text: 'three' } },
    ]);
    expect((await parse('one\ntwo\n', 'a.txt')).rows).toEqual([
      { line: 1, value: { text: 'one' } },
      { line: 2, value: { text: 'two' } },
    ]);
  });
});

describe('whole files', () => {
  const expectRows = async (path: string, count: number) => {
    const { rows, problemCount } = await parseDataset(diskSource(path));
    expect([rows.length, problemCount]).toEqual([count, 0]);
  };

  test('parse without a problem', async () => {
    await expectRows(robotStories, 240);
    await expectRows(alpaca, 24);
  });

  test.for([
    ['alpaca_en_demo.json', 999],
    ['identity.json', 91],
  ] as const)('of others too: %s', async ([file, count], context) => {
    needShared(context, `data/${file}`);
    await expectRows(sharedPath(`data/${file}`), count);
  });
});
