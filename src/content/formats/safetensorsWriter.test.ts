import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesSource } from '../../base/storage/byteSource.ts';
import { MemoryFolder } from '../../base/storage/memoryFolder.ts';
import { nodeFolder } from '../../base/storage/nodeFolder.ts';
import { expectGraftError } from '../../testing/errors.ts';
import { goldenPath, modelPath } from '../../testing/fixtures.ts';
import { rawSafetensors } from '../../testing/safetensors.ts';
import { openSafetensors, type SafetensorsFile } from './safetensors.ts';
import { layoutOf, safetensorsLayout } from './safetensorsLayout.ts';
import { encodeSafetensors, SafetensorsWriter } from './safetensorsWriter.ts';

const open = (bytes: Uint8Array): Promise<SafetensorsFile> =>
  openSafetensors(bytesSource('w.safetensors', bytes));

/** Writes a file again, tensor by tensor in pieces of `piece` bytes. */
async function rewrite(file: SafetensorsFile, piece: number): Promise<Uint8Array> {
  const folder = new MemoryFolder('out');
  const writer = new SafetensorsWriter(await folder.create('w'), [], {}, { layout: await layoutOf(file) });
  for (const { name, begin, end } of file.inDataOrder()) {
    for (let at = 0; at < end - begin; at += piece) {
      await writer.write(name, await file.readRange(name, at, Math.min(piece, end - begin - at)));
    }
  }
  await writer.close();
  return folder.files.get('w')!;
}

const tensors = fc.uniqueArray(
  fc.record({
    name: fc.string({ unit: 'binary' }).filter((name) => name !== '__metadata__'),
    dtype: fc.constantFrom('F32', 'BF16', 'U8', 'I64', 'BOOL', 'F8_E4M3'),
    shape: fc.array(fc.nat(4), { maxLength: 4 }),
  }),
  { selector: ({ name }) => name, maxLength: 8 },
);
const metadata = fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' })), {
  maxLength: 3,
});
const sizes: Record<string, number> = { F32: 4, BF16: 2, U8: 1, I64: 8, BOOL: 1, F8_E4M3: 1 };

describe('SafetensorsWriter', () => {
  it('writes what the reader reads back, for any names, shapes, metadata and pieces', async () => {
    await fc.assert(
      fc.asyncProperty(tensors, metadata, fc.integer({ min: 1, max: 9 }), async (entries, pairs, piece) => {
        const filled = entries.map((entry, i) => {
          const length = entry.shape.reduce((a, b) => a * b, sizes[entry.dtype]!);
          return { ...entry, bytes: Uint8Array.from({ length }, (_, j) => i * 17 + j) };
        });
        const bytes = encodeSafetensors(filled, new Map(pairs));
        const file = await open(bytes);
        expect(file.dataStart % 8).toBe(0);
        expect([...file.metadata]).toEqual([...new Map(pairs)]);
        expect([...file.tensors.values()].map(({ name, dtype, shape }) => ({ name, dtype, shape }))).toEqual(
          entries,
        );
        for (const { name, bytes: expected } of filled) expect(await file.read(name)).toEqual(expected);
        expect(await rewrite(file, piece)).toEqual(bytes);
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    [modelPath('starter'), 'model.safetensors'],
    [modelPath('tiny-qwen3'), 'model-00002-of-00002.safetensors'],
    [goldenPath('tiny-qwen2-lora', 'final_adapter'), 'adapter_model.safetensors'],
  ])('lays out a file to the byte: %s/%s', async (folder, name) => {
    const source = await nodeFolder(folder).open(name);
    const file = await openSafetensors(source);
    const layout = safetensorsLayout(file.inDataOrder(), file.metadata, [...file.tensors.keys()]);
    expect(layout.header).toEqual(await file.readHeader());
    expect(layout.totalBytes).toBe(source.size);
    expect(Buffer.compare(await rewrite(file, 100_000), readFileSync(join(folder, name)))).toBe(0);
  });

  it('copies an odd file to the byte: unordered header, unknown dtype, spaces, empty tensors', async () => {
    const bytes = rawSafetensors(
      '{ "b" : {"data_offsets":[8,12],"dtype":"NF3","shape":[ 9 ],"note":[1.5]},\n"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},' +
        '"e":{"dtype":"F64","shape":[0],"data_offsets":[8,8]},"__metadata__":{"\\u00e9":"é"},"s":{"dtype":"U8","shape":[],"data_offsets":[12,13]}}   ',
      13,
    );
    expect(await rewrite(await open(bytes), 3)).toEqual(bytes);
  });

  it('keeps the order of the header apart from the order of the data', () => {
    const entries = [
      { name: 'x', dtype: 'U8', shape: [2] },
      { name: 'w', dtype: 'NEW', shape: [5], byteLength: 3 },
    ];
    const { header, totalBytes } = safetensorsLayout(entries, { format: 'pt' }, ['w', 'x']);
    expect(new TextDecoder().decode(header.subarray(8)).trimEnd()).toBe(
      '{"__metadata__":{"format":"pt"},"w":{"dtype":"NEW","shape":[5],"data_offsets":[2,5]},"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}',
    );
    expect(totalBytes).toBe(header.byteLength + 5);
  });

  const entries = [
    { name: 'a', dtype: 'U8', shape: [2] },
    { name: 'e', dtype: 'U8', shape: [0] },
    { name: 'b', dtype: 'U8', shape: [2] },
  ];
  const bytes = (length: number): Uint8Array<ArrayBuffer> => new Uint8Array(length);
  const writer = async (): Promise<{ folder: MemoryFolder; writer: SafetensorsWriter }> => {
    const folder = new MemoryFolder('out');
    return { folder, writer: new SafetensorsWriter(await folder.create('w'), entries, {}, { file: 'w' }) };
  };

  it('takes empty tensors written or passed over', async () => {
    for (const names of [
      ['a', 'b'],
      ['a', 'e', 'b'],
    ]) {
      const { folder, writer: w } = await writer();
      for (const name of names) await w.write(name, bytes(name === 'e' ? 0 : 2));
      await w.close();
      expect((await open(folder.files.get('w')!)).tensors.size).toBe(3);
    }
  });

  it('refuses another order, wrong sizes and an unfinished file', async () => {
    const first = (await writer()).writer;
    await expectGraftError(() => first.write('b', bytes(2)), 'formats.write_order', {
      file: 'w',
      tensor: 'b',
      expected: 'a',
    });
    await expectGraftError(() => first.write('a', bytes(3)), 'formats.write_size', {
      tensor: 'a',
      actual: 3,
      expected: 2,
    });
    await first.write('a', bytes(1));
    await expectGraftError(() => first.write('b', bytes(2)), 'formats.write_size', {
      tensor: 'a',
      actual: 1,
    });
    await expectGraftError(() => first.close(), 'formats.write_size', {
      tensor: 'a',
      actual: 1,
      expected: 2,
    });
    const second = await writer();
    await second.writer.write('a', bytes(2));
    await expectGraftError(() => second.writer.write('nope', bytes(2)), 'formats.write_order', {
      tensor: 'nope',
    });
    await expectGraftError(() => second.writer.close(), 'formats.write_size', { tensor: 'b', actual: 0 });
    await second.writer.abort();
    expect(second.folder.files.size).toBe(0);
    const third = (await writer()).writer;
    for (const name of ['a', 'b']) await third.write(name, bytes(2));
    await expectGraftError(() => third.write('a', bytes(2)), 'formats.write_order', {
      tensor: 'a',
      expected: 'the end',
    });
  });

  it('refuses entries that could not be read back', async () => {
    const u8 = (name: string, shape: number[] = [1]): { name: string; dtype: string; shape: number[] } => ({
      name,
      dtype: 'U8',
      shape,
    });
    const refused = [
      [u8('a'), u8('a')],
      [u8('__metadata__')],
      [u8('\ud800')],
      [u8('a', [-1])],
      [u8('a', [0.5])],
      [u8('a', [2 ** 52, 2 ** 10])],
      [{ name: 'a', dtype: 'NEW', shape: [1] }],
      [{ name: 'a', dtype: 'F4', shape: [3] }],
      [{ ...u8('a'), byteLength: 2 }],
    ];
    for (const list of refused) await expectGraftError(() => safetensorsLayout(list), 'formats.write_entry');
    await expectGraftError(() => safetensorsLayout([u8('a')], {}, ['b']), 'formats.write_entry');
    await expectGraftError(() => safetensorsLayout([u8('a'), u8('b')], {}, ['b']), 'formats.write_entry');
    await expectGraftError(() => encodeSafetensors([{ ...u8('a'), bytes: bytes(2) }]), 'formats.write_size', {
      tensor: 'a',
    });
  });
});
