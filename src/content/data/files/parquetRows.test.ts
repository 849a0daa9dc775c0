import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { GraftError } from '../../../base/lib/errors.ts';
import { caught, expectGraftError } from '../../../testing/errors.ts';
import { memorySource } from '../../../testing/sources.ts';
import { toJsonText } from './exactJson.ts';
import { detectFormat, toConversation } from '../rows/formats.ts';
import { parseDataset } from './parse.ts';

const fixture = (name: string): Uint8Array => readFileSync(new URL(`../fixtures/${name}`, import.meta.url));
const parse = (name: string, bytes = fixture(name)) => parseDataset(memorySource(name, bytes));

describe('rows of Parquet files that pyarrow wrote', () => {
  it.each(['snappy', 'zstd', 'gzip', 'none'])('are read with %s, over row groups', async (codec) => {
    const { rows, kind, problems } = await parse(`chat-${codec}.parquet`);
    expect({ kind, problems }).toEqual({ kind: 'parquet', problems: [] });
    expect(rows.map(({ line }) => line)).toEqual(Array.from({ length: 25 }, (_, i) => i + 1));
    expect(rows[24]!.value).toEqual({
      messages: [
        { role: 'user', content: 'What is 24 plus 24?' },
        { role: 'assistant', content: '24 plus 24 is 48. 好的 🙂' },
      ],
      id: 24,
    });
    expect(rows[23]!.value).toMatchObject({ score: 5.75 });
    expect(detectFormat(rows)).toBe('messages');
  });

  it('omit null fields', async () => {
    const { rows } = await parse('alpaca.parquet');
    expect(rows[1]).toEqual({ line: 2, value: { input: '', output: 'Lost.' } });
    const format = detectFormat(rows);
    expect(format).toBe('alpaca');
    expect(await caught(() => toConversation(rows[1]!, format))).toMatchObject({
      code: 'data.missing_field',
      params: { field: 'instruction' },
    });
  });

  it('hold token ids as numbers', async () => {
    const { rows } = await parse('tokenized.parquet');
    expect(rows[0]!.value).toEqual({ input_ids: [1, 2, 3], labels: [-100, 2, 3] });
  });

  it('mark bytes that are not text, which is an error where the field is used', async () => {
    const { rows, problems } = await parse('binary.parquet');
    expect(rows).toEqual([
      { line: 1, value: { text: { $bytes: 2 } } },
      { line: 2, value: { text: 'ok' } },
    ]);
    expect(problems).toEqual([]);
    expect(await caught(() => toConversation(rows[0]!, 'text'))).toMatchObject({
      code: 'data.bad_field',
      params: { field: 'text', found: 'bytes that are not text' },
    });
  });
});

describe('columns of every type', () => {
  it('reject no row: each becomes a JSON value with all its digits', async () => {
    const { rows, problems } = await parse('odd-columns.parquet');
    expect(problems).toEqual([]);
    expect(rows.map(({ value }) => toJsonText(value))).toEqual([
      '{"conversations":[{"from":"human","value":"q0"},{"from":"gpt","value":"a0","weight":1.0}],' +
        '"id":1152921504606846977,"unsigned":18446744073709551615,"sha":{"$bytes":2},"fixed":{"$bytes":2},' +
        '"image":{"bytes":{"$bytes":4},"path":"a.png"},"price":-12.3,"exact":"12345678901234567890.123456789",' +
        '"day":"2024-02-29","micros":"2024-02-29T12:34:56.123456Z","far":"4611686018427387904",' +
        '"nanos":"1970-01-01T00:00:00.000000001Z","clock":3600000000,"map":{"k":1},"category":"x","whole":1.0,' +
        '"tiny":1,"flags":[true,null],"tools":[{"name":"f","args":{"x":2.0,"n":9007199254740993}}]}',
      '{"conversations":[{"from":"human","value":"q1"},{"from":"gpt","value":"a1","weight":1.0}],' +
        '"id":7,"unsigned":0,"sha":"\\u0001","price":0.05,' +
        '"day":"0001-01-01","micros":"1969-12-31T23:59:59.999999Z","far":"1970-01-01T00:00:00.000Z",' +
        '"nanos":"1970-01-01T00:00:01.000Z","category":"y","whole":0.5,"tiny":-1,"flags":[],"tools":[]}',
    ]);
    expect(structuredClone(rows)).toEqual(rows);
    expect(detectFormat(rows)).toBe('sharegpt');
  });
});

describe('a row group of many pages', () => {
  it.each([1, 2])(
    'is read some rows at a time, whatever pages lists lie in (version %i)',
    async (version) => {
      const { rows } = await parse(`pages-${version}.parquet`);
      expect(rows.map(({ line }) => line)).toEqual(Array.from({ length: 2500 }, (_, i) => i + 1));
      const list = <T>(length: number, item: (at: number) => T): T[] =>
        Array.from({ length }, (_, at) => item(at));
      const id = (i: number, j: number): string | null =>
        j % 7 === 6 ? null : String(2n ** 53n - 2n + BigInt(j + (i % 3)));
      const expected = list(2500, (i) => ({
        index: String(i),
        ...(i % 10 !== 9 && { ids: list(i % 6, (j) => id(i, j)) }),
        groups: list(i % 4, (k) =>
          list(k, (j) => ({ n: String(i + j), words: list((i + j) % 3, () => 'w') })),
        ),
        ...(i % 4 !== 3 && { text: `row ${i % 50}` }),
      }));
      // Integers as text, since some are beyond what a number holds.
      const read: unknown = JSON.parse(
        JSON.stringify(
          rows.map(({ value }) => value),
          (_, value: unknown) => (['number', 'bigint'].includes(typeof value) ? String(value) : value),
        ),
      );
      expect(read).toEqual(expected);
    },
  );
});

describe('a Parquet file', () => {
  it('without rows is reported as empty', async () => {
    await expectGraftError(() => parse('empty.parquet'), 'data.empty_file', { file: 'empty.parquet' });
  });

  it('that is truncated is reported as such', async () => {
    const bytes = fixture('chat-zstd.parquet').slice(0, 3000);
    await expectGraftError(() => parse('cut.parquet', bytes), 'data.parquet_invalid', {
      file: 'cut.parquet',
    });
  });

  it('with any byte of its metadata wrong leaves no rejection unhandled', async () => {
    const strays: unknown[] = [];
    const onStray = (error: unknown): unknown => strays.push(error);
    process.on('unhandledRejection', onStray);
    const bytes = fixture('odd-columns.parquet');
    const metadata =
      bytes.length - 8 - new DataView(bytes.buffer, bytes.byteOffset).getUint32(bytes.length - 8, true);
    let refused = 0;
    for (let at = metadata; at < bytes.length - 8; at += 3) {
      const damaged = bytes.slice();
      damaged[at]! ^= 0x55;
      const error = await caught(() => parse('damaged.parquet', damaged));
      if (error !== undefined) expect(error).toBeInstanceOf(GraftError);
      refused += error === undefined ? 0 : 1;
    }
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', onStray);
    expect(strays).toEqual([]);
    expect(refused).toBeGreaterThan(100);
  });

  it('with damaged pages gives a named error', async () => {
    const bytes = fixture('chat-gzip.parquet').slice();
    bytes.fill(0xff, 100, 400);
    await expectGraftError(() => parse('damaged.parquet', bytes), 'data.parquet_invalid', {
      file: 'damaged.parquet',
    });
  });
});
