import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../../base/lib/bytes.ts';
import { unpackLimits } from '../../../base/lib/unpackLimits.ts';
import type { ByteSource } from '../../../base/storage/types.ts';
import { expectGraftError } from '../../../testing/errors.ts';
import { memorySource } from '../../../testing/sources.ts';
import { parseDataset } from '../../data/files/parse.ts';
import { readableSource, unpackedHead } from './readable.ts';

const bytesOf = (text: string) => new TextEncoder().encode(text);
const rowText = (at: number) => `{"prompt":"Question ${at}?","completion":"Answer ${at}."}\n`;
const rows = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, at) => rowText(from + at)).join('');
const fixture = (name: string) =>
  new Uint8Array(readFileSync(fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url))));
const whole = async (source: ByteSource) => new TextDecoder().decode(await source.read(0, source.size));
const unpack = async (name: string, bytes: Uint8Array) =>
  whole(await readableSource(memorySource(name, bytes)));

/** A zstd frame of raw (0) or repeated (1) blocks, as RFC 8878 lays them out; no compressor makes such ones. */
function frame(blocks: [type: 0 | 1, length: number, content: Uint8Array][], window = 0x48): Uint8Array {
  const parts = blocks.map(([type, length, content], at) => {
    const header = Number(at === blocks.length - 1) | (type << 1) | (length << 3);
    return concatBytes([Uint8Array.of(header & 255, (header >> 8) & 255, header >> 16), content]);
  });
  return concatBytes([Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, window), ...parts]);
}

describe('compressed files', () => {
  it('of gzip and zstd are read, one in the other too, and anything else stays as it is', async () => {
    const text = rows(1, 3);
    expect(await unpack('a.jsonl.gz', gzipSync(text))).toBe(text);
    expect(await unpack('a.jsonl', gzipSync(gzipSync(text)))).toBe(text);
    expect(await unpack('rows.jsonl.zst', fixture('rows.jsonl.zst'))).toBe(text);
    expect(await unpack('both.gz', gzipSync(fixture('rows.jsonl.zst')))).toBe(text);
    expect(await unpack('tiny.zst', fixture('tiny.zst'))).toBe('x');
    const plain = memorySource('a.jsonl', text);
    expect(await readableSource(plain)).toBe(plain);
  });

  it('of several zstd frames, with skippable ones between them, are read to the end', async () => {
    expect(await unpack('f.zst', fixture('frames.jsonl.zst'))).toBe(rows(1, 3));
    const skippable = Uint8Array.of(0x52, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9);
    const all = concatBytes([skippable, fixture('rows.jsonl.zst'), skippable, fixture('tiny.zst')]);
    expect(await unpack('s.zst', all)).toBe(`${rows(1, 3)}x`);
    const raw = bytesOf('{"text":"raw"}\n');
    const repeated = frame([
      [0, raw.length, raw],
      [1, 5, bytesOf(' ')],
    ]);
    expect(await unpack('raw.zst', repeated)).toBe('{"text":"raw"}\n     ');
  });

  it('of many blocks are the same as before they were compressed', async () => {
    expect(await unpack('blocks.zst', fixture('blocks.jsonl.zst'))).toBe(rows(1, 12_000));
  });

  it('become rows under their own names, with their lines', async () => {
    const source = memorySource('train.csv.gz', gzipSync('prompt,completion\nHi,Ahoy\nBye\n'));
    const parsed = await parseDataset(await readableSource(source));
    expect(parsed).toMatchObject({ name: 'train.csv.gz', kind: 'csv', kindFrom: 'name' });
    expect(parsed.rows).toEqual([{ line: 2, value: { prompt: 'Hi', completion: 'Ahoy' } }]);
    expect(parsed.problems[0]).toMatchObject({ line: 3, code: 'data.csv_cells' });
  });

  it('that are longer than memory should hold are unpacked as they are read', async () => {
    const line = (at: number) => `{"text":"${String(at).padStart(8, '0')} ${'lorem ipsum '.repeat(80)}"}\n`;
    const count = 70_000;
    const text = Array.from({ length: count }, (_, at) => line(at)).join('');
    expect(text.length).toBeGreaterThan(unpackLimits.heldBytes);
    const source = await readableSource(memorySource('big.jsonl.gz', gzipSync(text, { level: 1 })));
    expect(source.size).toBe(text.length);
    const read = async (at: number, length: number) =>
      new TextDecoder().decode(await source.read(at, length));
    for (const at of [0, 30_000_000, 10, text.length - 100])
      expect(await read(at, 100)).toBe(text.slice(at, at + 100));
    await source.release?.();
    const parsed = await parseDataset(source);
    expect([parsed.rows.length, parsed.rows.at(-1)?.line]).toEqual([count, count]);
  });

  it('are looked into without unpacking all of them', async () => {
    const bytes = gzipSync(rows(1, 200_000));
    let read = 0;
    const source = memorySource('a.gz', bytes);
    const counting = {
      ...source,
      async read(at: number, length: number) {
        read += length;
        return source.read(at, length);
      },
    };
    const head = await unpackedHead(counting, 1000);
    expect(new TextDecoder().decode(head)).toBe(rows(1, 200_000).slice(0, 1000));
    expect(read).toBeLessThanOrEqual(1000 + (1 << 20));
  });
});

describe('compressed files that are no good', () => {
  const good = gzipSync(rows(1, 500));
  const zstd = fixture('rows.jsonl.zst');

  it.each<[string, Uint8Array]>([
    ['gzip that is cut off', good.subarray(0, good.length - 20)],
    ['gzip with a wrong sum', good.map((byte, at) => (at === good.length - 6 ? byte ^ 1 : byte))],
    ['gzip with damaged data', good.map((byte, at) => (at > 100 && at < 140 ? 0xff : byte))],
    ['gzip with only a header', good.subarray(0, 10)],
    ['zstd that is cut off', zstd.subarray(0, zstd.length - 9)],
    ['zstd with a wrong sum', zstd.map((byte, at) => (at === zstd.length - 1 ? byte ^ 1 : byte))],
    ['zstd with something behind it', concatBytes([zstd, bytesOf('garbage behind it')])],
    [
      'zstd with a block of a reserved type',
      frame([[1, 3, bytesOf('x')]]).map((byte, at) => (at === 6 ? 0x07 : byte)),
    ],
  ])('%s is an error that names the file', async (_, bytes) => {
    await expectGraftError(() => unpack('d.jsonl', new Uint8Array(bytes)), 'data.unpack_failed', {
      file: 'd.jsonl',
    });
  });

  it('ask for no more memory than the limit', async () => {
    const params = { window: 256, limit: 128 };
    await expectGraftError(() => unpack('w.zst', fixture('window.jsonl.zst')), 'data.unpack_window', params);
    // 3.75 TiB, the most that the format can say.
    await expectGraftError(() => unpack('w.zst', frame([[1, 1, bytesOf('x')]], 0xff)), 'data.unpack_window');
  });

  it('end early where a few bytes stand for very many', async () => {
    const block = 128 << 10;
    const bomb = frame(
      Array.from({ length: 100_000 }, () => [1, block, bytesOf(' ')] as [1, number, Uint8Array]),
    );
    await expectGraftError(() => unpack('bomb.zst', bomb), 'data.unpack_bomb', { file: 'bomb.zst' });
    const inner = gzipSync(new Uint8Array(200 << 20));
    await expectGraftError(() => unpack('bomb.gz', inner), 'data.unpack_bomb', { file: 'bomb.gz' });
  });
});
