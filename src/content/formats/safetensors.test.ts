import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GraftError, type ErrorCode, type ErrorParams } from '../../base/lib/errors.ts';
import { bytesSource } from '../../base/storage/byteSource.ts';
import { nodeFolder } from '../../base/storage/nodeFolder.ts';
import { caught, expectGraftError } from '../../testing/errors.ts';
import { goldenPath, goldenRuns, modelPath } from '../../testing/fixtures.ts';
import { rawSafetensors, recordReads } from '../../testing/safetensors.ts';
import { decodeFloats } from '../../base/lib/floats.ts';
import { openSafetensors, type SafetensorsFile } from './safetensors.ts';
import { parseSafetensorsHeader } from './safetensorsHeader.ts';

const open = (bytes: Uint8Array): Promise<SafetensorsFile> =>
  openSafetensors(bytesSource('w.safetensors', bytes));

async function expectHeaderError(
  header: string,
  dataBytes: number,
  code: ErrorCode,
  params: ErrorParams,
): Promise<void> {
  await expectGraftError(() => open(rawSafetensors(header, dataBytes)), code, {
    file: 'w.safetensors',
    ...params,
  });
}

const entry = (dtype: string, shape: unknown, offsets: unknown): string =>
  `{"dtype":"${dtype}","shape":${JSON.stringify(shape)},"data_offsets":${JSON.stringify(offsets)}}`;

describe('openSafetensors', () => {
  it('reads the header alone, then tensors by range', async () => {
    const header = `{"b":${entry('U8', [4], [8, 12])},"__metadata__":{"format":"pt"},"a":${entry('F32', [2, 1], [0, 8])}}  `;
    const { source, reads } = recordReads(bytesSource('w.safetensors', rawSafetensors(header, 12)));
    const file = await openSafetensors(source);
    expect(reads).toEqual([
      { offset: 0, length: 8 },
      { offset: 8, length: header.length },
    ]);
    expect([...file.tensors.keys()]).toEqual(['b', 'a']);
    expect(file.inDataOrder().map(({ name }) => name)).toEqual(['a', 'b']);
    expect(file.get('a')).toEqual({ name: 'a', dtype: 'F32', shape: [2, 1], begin: 0, end: 8 });
    expect([...file.metadata]).toEqual([['format', 'pt']]);
    expect(await file.read('b')).toEqual(new Uint8Array([8, 9, 10, 11]));
    expect(await file.readRange('a', 3, 2)).toEqual(new Uint8Array([3, 4]));
    expect(await file.readRange('a', 8, 0)).toEqual(new Uint8Array());
  });

  it('takes scalars, empty tensors, no tensors, 6-bit and unknown dtypes', async () => {
    const header = `{"none":${entry('F32', [0, 5], [0, 0])},"scalar":${entry('F32', [], [0, 4])},"odd":${entry('F6_E2M3', [4], [4, 7])},"new":${entry('Q3_K', [7, 9], [7, 9])},"last":${entry('I64', [0], [9, 9])}}`;
    const file = await open(rawSafetensors(header, 9));
    expect(await file.read('none')).toEqual(new Uint8Array());
    expect(await file.read('new')).toEqual(new Uint8Array([7, 8]));
    expect(file.get('new').dtype).toBe('Q3_K');
    expect((await open(rawSafetensors('{}', 0))).tensors.size).toBe(0);
  });

  it('takes a tensor that is named twice the same way once', async () => {
    const a = `"a":${entry('U8', [4], [0, 4])}`;
    const file = await open(rawSafetensors(`{${a},${a.replace('"a"', '"\\u0061"')}}`, 4));
    expect([...file.tensors.keys()]).toEqual(['a']);
  });

  it('refuses nesting without end, and numbers of any length', async () => {
    for (const value of ['['.repeat(1_000_000), '{"a":'.repeat(1_000_000), '9'.repeat(5_000_000)])
      await expectGraftError(() => open(rawSafetensors(`{"a":${value}`, 0)), 'formats.header_json');
    const shape = `{"a":{"dtype":"U8","shape":[${'9'.repeat(5_000_000)}],"data_offsets":[0,0]}}`;
    await expectGraftError(() => open(rawSafetensors(shape, 0)), 'formats.number_too_large');
  });

  it('takes __proto__, constructor and the empty string as names', async () => {
    const names = ['__proto__', 'constructor', 'toString', ''];
    const header = `{${names.map((name, i) => `"${name}":${entry('U8', [1], [i, i + 1])}`).join(',')}}`;
    const file = await open(rawSafetensors(header, 4));
    expect([...file.tensors.keys()]).toEqual(names);
    expect(await file.read('constructor')).toEqual(new Uint8Array([1]));
    await expectGraftError(() => file.read('hasOwnProperty'), 'formats.tensor_missing', {
      tensor: 'hasOwnProperty',
    });
  });

  it('refuses ranges outside a tensor', async () => {
    const file = await open(
      rawSafetensors(`{"a":${entry('U8', [4], [0, 4])},"b":${entry('U8', [4], [4, 8])}}`, 8),
    );
    for (const [offset, length] of [
      [0, 5],
      [4, 1],
      [-1, 2],
      [0, -1],
      [NaN, 1],
    ] as const) {
      await expectGraftError(() => file.readRange('a', offset, length), 'formats.tensor_range', {
        tensor: 'a',
      });
    }
  });
});

describe('a wrong length', () => {
  const withLength = (length: bigint, size = 64): Uint8Array => {
    const bytes = new Uint8Array(size);
    new DataView(bytes.buffer).setBigUint64(0, length, true);
    return bytes;
  };

  it.each([57n, 2n ** 31n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n])(
    'of %d bytes is refused before it is read',
    async (length) => {
      const { source, reads } = recordReads(bytesSource('w.safetensors', withLength(length)));
      await expectGraftError(() => openSafetensors(source), 'formats.header_length', {
        file: 'w.safetensors',
        length: String(length),
        size: 64,
      });
      expect(Math.max(...reads.map((read) => read.length))).toBeLessThanOrEqual(64);
    },
  );

  it('above the format’s limit is refused even in a file large enough', async () => {
    const start = withLength(100_000_001n, 1024);
    const size = 200_000_000;
    const { source, reads } = recordReads({ ...bytesSource('w.safetensors', start), size });
    await expectGraftError(() => openSafetensors(source), 'formats.header_too_large', {
      length: '100000001',
    });
    expect(Math.max(...reads.map((read) => read.length))).toBeLessThanOrEqual(1024);
  });

  it.each([0, 1, 7])('is missing in a file of %d bytes', async (size) => {
    await expectGraftError(() => open(new Uint8Array(size)), 'formats.file_too_short', { size });
  });
});

describe('something else in place of weights', () => {
  const text = (content: string): Uint8Array => new TextEncoder().encode(content);

  it('is recognized', async () => {
    const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n';
    await expectGraftError(() => open(text(pointer)), 'storage.lfs_pointer', { file: 'w.safetensors' });
    for (const page of ['<!DOCTYPE html>\n<html><head>', '\n <html lang="en">', '\ufeff<!doctype HTML>']) {
      await expectGraftError(() => open(text(page)), 'storage.html_page', { file: 'w.safetensors' });
    }
    await expectGraftError(() => open(text('PK\x03\x04archive/data.pkl')), 'formats.not_safetensors');
    await expectGraftError(() => open(text('GGUF\x03\x00\x00\x00aaaa')), 'formats.not_safetensors');
    await expectGraftError(() => open(text('{"error":"Repository not found"}')), 'formats.not_safetensors');
  });
});

describe('a wrong header', () => {
  const a = `"a":${entry('U8', [4], [0, 4])}`;

  it.each<[string, string, number, ErrorCode, ErrorParams]>([
    [
      'overlap',
      `{${a},"b":${entry('U8', [4], [3, 7])}}`,
      7,
      'formats.tensor_overlap',
      { tensor: 'b', other: 'a' },
    ],
    ['same bytes', `{${a},"b":${entry('U8', [4], [0, 4])}}`, 4, 'formats.tensor_overlap', { tensor: 'b' }],
    [
      'hole',
      `{${a},"b":${entry('U8', [4], [5, 9])}}`,
      9,
      'formats.tensor_hole',
      { tensor: 'b', expected: 4 },
    ],
    ['hole at the start', `{"b":${entry('U8', [4], [1, 5])}}`, 5, 'formats.tensor_hole', { tensor: 'b' }],
    [
      'hole before an empty tensor',
      `{${a},"b":${entry('U8', [0], [6, 6])}}`,
      6,
      'formats.tensor_hole',
      { tensor: 'b' },
    ],
    [
      'empty tensor inside another',
      `{${a},"b":${entry('U8', [0], [2, 2])}}`,
      4,
      'formats.tensor_overlap',
      { tensor: 'b' },
    ],
    ['trailing bytes', `{${a}}`, 5, 'formats.trailing_bytes', { tensor: 'a', bytes: 1 }],
    ['data without tensors', '{}', 1, 'formats.trailing_bytes', { bytes: 1 }],
    ['cut off', `{${a}}`, 3, 'formats.tensor_beyond_file', { tensor: 'a', end: 4 }],
    [
      'other shape',
      `{"a":${entry('F32', [2, 3], [0, 20])}}`,
      20,
      'formats.tensor_size',
      { tensor: 'a', expected: 24 },
    ],
    [
      'other dtype',
      `{"a":${entry('F16', [4], [0, 16])}}`,
      16,
      'formats.tensor_size',
      { tensor: 'a', expected: 8 },
    ],
    ['half a byte', `{"a":${entry('F4', [3], [0, 2])}}`, 2, 'formats.tensor_partial_byte', { tensor: 'a' }],
    ['end before begin', `{"a":${entry('U8', [4], [4, 0])}}`, 4, 'formats.tensor_offsets', { tensor: 'a' }],
    [
      'product above 2^53',
      `{"a":${entry('U8', [2 ** 27, 2 ** 27], [0, 4])}}`,
      4,
      'formats.shape_overflow',
      { tensor: 'a' },
    ],
    [
      'product that wraps to 0 in 64 bits',
      `{"a":${entry('U8', [2 ** 32, 2 ** 32], [0, 0])}}`,
      0,
      'formats.shape_overflow',
      { tensor: 'a' },
    ],
    [
      'bits above 2^53',
      `{"a":${entry('F64', [2 ** 50], [0, 4])}}`,
      4,
      'formats.shape_overflow',
      { tensor: 'a' },
    ],
    [
      'a size of -0',
      '{"a":{"dtype":"U8","shape":[-0],"data_offsets":[0,0]}}',
      0,
      'formats.tensor_field',
      { tensor: 'a', field: 'shape' },
    ],
    [
      'offset 2^53 + 1',
      '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,9007199254740993]}}',
      4,
      'formats.number_too_large',
      { tensor: 'a', field: 'data_offsets', value: '9007199254740992' },
    ],
    [
      'dimension 2^64',
      '{"a":{"dtype":"U8","shape":[18446744073709551616],"data_offsets":[0,0]}}',
      0,
      'formats.number_too_large',
      { tensor: 'a', field: 'shape' },
    ],
    [
      'a duplicate at other bytes',
      `{${a},"\\u0061":${entry('U8', [4], [4, 8])}}`,
      8,
      'formats.tensor_hole',
      { tensor: 'a', expected: 0 },
    ],
    [
      'a duplicate of other size',
      `{${a},"a":${entry('U8', [3], [0, 3])}}`,
      4,
      'formats.trailing_bytes',
      { tensor: 'a' },
    ],
    [
      'missing dtype',
      '{"a":{"shape":[0],"data_offsets":[0,0]}}',
      0,
      'formats.tensor_field',
      { tensor: 'a', field: 'dtype' },
    ],
    [
      'missing shape',
      '{"a":{"dtype":"U8","data_offsets":[0,0]}}',
      0,
      'formats.tensor_field',
      { tensor: 'a', field: 'shape' },
    ],
    [
      'missing offsets',
      '{"a":{"dtype":"U8","shape":[0]}}',
      0,
      'formats.tensor_field',
      { tensor: 'a', field: 'data_offsets' },
    ],
    [
      'three offsets',
      `{"a":${entry('U8', [0], [0, 0, 0])}}`,
      0,
      'formats.tensor_field',
      { tensor: 'a', field: 'data_offsets' },
    ],
    ['negative', `{"a":${entry('U8', [-1], [0, 0])}}`, 0, 'formats.tensor_field', { field: 'shape' }],
    ['fraction', `{"a":${entry('U8', [1.5], [0, 1])}}`, 1, 'formats.tensor_field', { field: 'shape' }],
    ['text for a number', `{"a":${entry('U8', ['1'], [0, 1])}}`, 1, 'formats.tensor_field', { tensor: 'a' }],
    ['no list', `{"a":${entry('U8', [1], 1)}}`, 1, 'formats.tensor_field', { field: 'data_offsets' }],
    ['tensor that is no object', '{"a":[1]}', 0, 'formats.header_json', {}],
    ['trailing comma', `{${a},}`, 4, 'formats.header_json', {}],
    ['text after the end', `{${a}}x`, 4, 'formats.header_json', {}],
    ['no brace first', ` {${a}}`, 4, 'formats.header_json', {}],
    ['byte-order mark', `\ufeff{${a}}`, 4, 'formats.header_json', {}],
    ['empty', '', 0, 'formats.header_json', {}],
    ['lone surrogate', `{"\\ud800":${entry('U8', [0], [0, 0])}}`, 0, 'formats.header_json', {}],
    ['metadata list', '{"__metadata__":[]}', 0, 'formats.bad_metadata', {}],
    ['metadata number', '{"__metadata__":{"k":1}}', 0, 'formats.bad_metadata', { where: ' at “k”' }],
  ])('is named: %s', async (_, header, dataBytes, code, params) => {
    await expectHeaderError(header, dataBytes, code, params);
  });

  it('that is not UTF-8 is named', async () => {
    const bytes = rawSafetensors(new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x7d]), 0);
    await expectGraftError(() => open(bytes), 'formats.header_utf8', { file: 'w.safetensors' });
  });

  it('names a tensor of a megabyte shortly', async () => {
    const name = 'x'.repeat(1_000_000);
    const error = await caught(() => open(rawSafetensors(`{"${name}":${entry('U8', [2], [0, 1])}}`, 1)));
    expect((error as GraftError).code).toBe('formats.tensor_size');
    expect((error as GraftError).message.length).toBeLessThan(1000);
  });
});

describe('files of others', () => {
  const folders = [
    ...['starter', 'tiny-llama3', 'tiny-qwen2', 'tiny-qwen3'].map(modelPath),
    ...goldenRuns.flatMap((run) => [goldenPath(run), goldenPath(run, 'final_adapter')]),
  ];

  it.each(folders)('%s opens, and its tensors add up to the file', async (path) => {
    const folder = nodeFolder(path);
    const files = (await folder.list()).filter((name) => name.endsWith('.safetensors'));
    expect(files.length).toBeGreaterThan(0);
    for (const name of files) {
      const source = await folder.open(name);
      const file = await openSafetensors(source);
      let bytes = file.dataStart;
      for (const { name: tensor, dtype } of file.tensors.values()) {
        const data = await file.read(tensor);
        bytes += data.byteLength;
        expect(decodeFloats(data, dtype, tensor).every(Number.isFinite)).toBe(true);
      }
      expect(bytes).toBe(source.size);
    }
  });
});

describe('damaged files', () => {
  const headers = fc.constantFrom(
    `{"__metadata__":{"format":"pt"},"w":${entry('F32', [2, 3], [0, 24])},"v":${entry('BF16', [4], [24, 32])}}    `,
    `{"b":${entry('U8', [4], [8, 12])},"a\\u0000":${entry('F32', [2], [0, 8])},"e":${entry('I64', [0], [0, 0])},"z":${entry('NEW', [3], [12, 32])}}`,
  );
  const mutation = fc.record({
    at: fc.nat(),
    byte: fc.nat(255),
    kind: fc.constantFrom('set', 'insert', 'delete', 'cut'),
  });

  it('give a GraftError or a sound header, and never a read beyond the file', async () => {
    await fc.assert(
      fc.asyncProperty(
        headers,
        fc.array(mutation, { minLength: 1, maxLength: 4 }),
        async (header, mutations) => {
          const bytes = [...rawSafetensors(header, 32)];
          for (const { at, byte, kind } of mutations) {
            const place = at % (bytes.length + 1);
            if (kind === 'set') bytes[Math.min(place, bytes.length - 1)] = byte;
            else if (kind === 'insert') bytes.splice(place, 0, byte);
            else if (kind === 'delete') bytes.splice(place, 1);
            else bytes.length = Math.max(1, place);
          }
          const { source, reads } = recordReads(bytesSource('w.safetensors', new Uint8Array(bytes)));
          try {
            const file = await openSafetensors(source);
            for (const name of file.tensors.keys()) await file.read(name);
            const total = [...file.tensors.values()].reduce(
              (sum, { begin, end }) => sum + end - begin,
              file.dataStart,
            );
            expect(total).toBe(bytes.length);
          } catch (error) {
            expect(error).toBeInstanceOf(GraftError);
          }
          for (const { offset, length } of reads) expect(offset + length).toBeLessThanOrEqual(bytes.length);
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('give a GraftError for any bytes as a header', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"dtype"',
      '"shape"',
      '"data_offsets"',
      '"F32"',
      '0',
      '8',
      '"__metadata__"',
      ' ',
      '9007199254740993',
      '\\u0061',
    );
    const texts = fc.oneof(
      fc.array(pieces).map((list) => list.join('')),
      fc.string(),
    );
    fc.assert(
      fc.property(texts, fc.nat(64), (text, dataBytes) => {
        try {
          parseSafetensorsHeader(new TextEncoder().encode(text), 'w', dataBytes);
        } catch (error) {
          expect(error).toBeInstanceOf(GraftError);
        }
      }),
      { numRuns: 3000 },
    );
  });
});
