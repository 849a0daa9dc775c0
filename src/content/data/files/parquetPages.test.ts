import type { SchemaTree } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import { expectGraftError } from '../../../testing/errors.ts';
import { memorySource } from '../../../testing/sources.ts';
import { PageChecks, type PagedColumn } from './parquetPages.ts';
import { parquetRows } from './parquetRows.ts';

/** A file of pyarrow's with one column, whose levels say that they are one run of 2^30 values: node ended as it read them. */
const hostile = Buffer.from(
  'UEFSMRUEFQoVCkwVAhUAEgAAAQAAAGEVABUcFRwsFdAPFRAVBhUGHAAAAAYAAACAgICACAEB0A8AFQQZLDUAGAZzY2hlbWEVAgAVDCUCGAR0ZXh0JQBMHAAAABbQDxkcGRwmABwVDBk1AAYQGRgEdGV4dBUAFtAPFmoWaiYuJggpLBUEFQAVAgAVABUQFQIAPBbQDxkGGSYA0A8AAAAWahbQDyYIFmoAGRwYDEFSUk9XOnNjaGVtYRigAS8vLy8vM0FBQUFBUUFBQUFBQUFLQUF3QUJnQUZBQWdBQ2dBQUFBQUJCQUFNQUFBQUNBQUlBQUFBQkFBSUFBQUFCQUFBQUFFQUFBQVVBQUFBRUFBVUFBZ0FCZ0FIQUF3QUFBQVFBQkFBQUFBQUFBRUZFQUFBQUJ3QUFBQUVBQUFBQUFBQUFBUUFBQUIwWlhoMEFBQUFBQVFBQkFBRUFBQUEAGCBwYXJxdWV0LWNwcC1hcnJvdyB2ZXJzaW9uIDI2LjAuMRkcHAAAAEsBAABQQVIx',
  'base64',
);

const root = { element: { name: 'schema' }, children: [] } as unknown as SchemaTree;
const node = (repetition_type: string) =>
  ({ element: { name: 'text', repetition_type }, children: [] }) as unknown as SchemaTree;
const optional: PagedColumn = {
  meta: { type: 'BYTE_ARRAY', codec: 'UNCOMPRESSED' },
  path: [root, node('OPTIONAL')],
  rows: 1000,
};
const required: PagedColumn = { ...optional, path: [root, node('REQUIRED')] };

const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))];
const zigzag = (value: number): number[] => varint(value < 0 ? -2 * value - 1 : 2 * value);
const length = (bytes: number[]): number[] => [bytes.length, 0, 0, 0];

/** A data page of the first version, in Thrift's compact protocol. */
function page(count: number, encoding: number, body: number[], size = body.length): Uint8Array {
  const head = [0x15, ...zigzag(0), 0x15, ...zigzag(body.length), 0x15, ...zigzag(size)];
  const data = [0x2c, 0x15, ...zigzag(count), 0x15, ...zigzag(encoding), 0x15, 6, 0x15, 6, 0];
  return Uint8Array.from([...head, ...data, 0, ...body]);
}

/** A data page of the second version without levels. */
function secondPage(count: number, nulls: number, levelBytes: number, body: number[]): Uint8Array {
  const head = [0x15, ...zigzag(3), 0x15, ...zigzag(body.length), 0x15, ...zigzag(body.length)];
  const numbers = [count, nulls, count, DICTIONARY, levelBytes, 0];
  return Uint8Array.from([...head, 0x5c, ...numbers.flatMap((n) => [0x15, ...zigzag(n)]), 0, 0, ...body]);
}

const [DELTA_BYTE_ARRAY, DICTIONARY] = [7, 8];
/** Runs of one value each: its number, then the value in a byte. */
const run = (count: number, value: number): number[] => [...varint(2 * count), value];
/** Differences of which all are the same: 0, step, 2 step, … */
const steps = (count: number, step: number): number[] => [
  ...[...varint(2048), ...varint(1), ...varint(count), ...zigzag(0)],
  ...[...zigzag(step), 0],
];
const check = (bytes: Uint8Array, column = optional) => [...new PageChecks({}, 1000).pages(bytes, column)];

describe('pages of a Parquet file', () => {
  it('are taken where runs are no longer than their page', () => {
    const levels = run(1000, 1);
    const body = [...length(levels), ...levels, 1, ...run(1000, 0)];
    expect(() => check(page(1000, DICTIONARY, body))).not.toThrow();
    // Nulls take no values: what would be read beyond them is not looked at.
    const nulls = run(1000, 0);
    expect(() => check(page(1000, DICTIONARY, [...length(nulls), ...nulls]))).not.toThrow();
    expect(() => check(secondPage(1000, 10, 0, [1, ...run(990, 0)]), required)).not.toThrow();
    const shared = [...steps(1000, 0), ...steps(1000, 0)];
    expect(() => check(page(1000, DELTA_BYTE_ARRAY, shared), required)).not.toThrow();
  });

  const [long, levels] = [run(2 ** 30, 1), run(1000, 1)];
  it.each<[string, Uint8Array, PagedColumn, string]>([
    [
      'levels of a run without end',
      page(1000, 0, [...length(long), ...long]),
      optional,
      'a run of 1073741824',
    ],
    [
      'values of a run without end',
      page(1000, DICTIONARY, [...length(levels), ...levels, 1, ...run(2 ** 30, 0)]),
      optional,
      'a run of 1073741824',
    ],
    [
      'a negative number of packed values',
      page(9, DICTIONARY, [0, 255, 255, 255, 255, 15]),
      required,
      'a run of -8',
    ],
    ['more values than any file has', page(2 ** 31 - 1, 0, []), required, 'more than'],
    ['a negative number of values', page(-1, 0, []), required, 'no number of values'],
    ['a negative number of nulls', secondPage(9, -(2 ** 30), 0, [1, 18, 0]), required, 'miscounts'],
    ['levels beyond it', secondPage(9, 0, 400, [1, 18, 0]), required, 'not in their page'],
    ['bytes beyond its column', page(9, 0, [1], 5), required, 'not in its column'],
    [
      'texts that each repeat the one before',
      page(1000, DELTA_BYTE_ARRAY, [...steps(1000, 1_000_000), ...steps(1000, 0)]),
      required,
      'claims to hold',
    ],
  ])('are refused for %s', (_, bytes, column, detail) => {
    expect(() => check(bytes, column)).toThrow(detail);
  });

  it('are checked before they are read', async () => {
    const rows = async () => {
      for await (const row of parquetRows(memorySource('data.parquet', new Uint8Array(hostile)))) void row;
    };
    await expectGraftError(rows, 'data.parquet_invalid', {
      detail: 'a run of 1073741824 values is in a page of 1000',
    });
  });
});
