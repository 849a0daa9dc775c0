import { describe, expect, it } from 'vitest';
import { bytesSource } from '../../../base/storage/byteSource.ts';
import { openGguf } from './ggufFile.ts';
import { splitGguf } from './ggufSplit.ts';
import type { GgufEntry, GgufKey } from './ggufWriter.ts';

const keys: GgufKey[] = [
  { key: 'general.architecture', type: 'string', value: 'llama' },
  { key: 'general.name', type: 'string', value: 'a'.repeat(500) },
];
/** Tensors of 1, 1, 1, 8 and 1 KiB. */
const entries: GgufEntry[] = [256, 256, 256, 2048, 256].map((size, i) => ({
  name: `blk.${i}.attn_norm.weight`,
  type: 'F32',
  shape: [size],
}));

describe('a GGUF file in parts', () => {
  it('is one ordinary file where it fits', () => {
    const [whole, ...others] = splitGguf(keys, entries, 'model.gguf', 1 << 20);
    expect(others).toEqual([]);
    expect(whole).toMatchObject({ file: 'model.gguf', begin: 0, end: 5 });
    expect(splitGguf(keys, entries, 'model.gguf', whole!.layout.totalBytes)).toHaveLength(1);
    expect(splitGguf(keys, entries, 'model.gguf', whole!.layout.totalBytes - 1).length).toBeGreaterThan(1);
  });

  it('has each tensor once, in order, below the limit but for a tensor that is larger', () => {
    const parts = splitGguf(keys, entries, 'model.gguf', 4096);
    expect(parts.map(({ file }) => file)).toEqual([
      'model-00001-of-00003.gguf',
      'model-00002-of-00003.gguf',
      'model-00003-of-00003.gguf',
    ]);
    expect(parts.map(({ begin, end }) => [begin, end])).toEqual([
      [0, 3],
      [3, 4],
      [4, 5],
    ]);
    const sizes = parts.map(({ layout }) => layout.totalBytes);
    expect(sizes[0]).toBeLessThanOrEqual(4096);
    expect(sizes[1]).toBeGreaterThan(8192);
    expect(sizes[2]).toBeLessThanOrEqual(4096);
  });

  it('says in each which part it is, and has the keys of the model in the first', async () => {
    const parts = splitGguf(keys, entries, 'model.gguf', 4096);
    for (const [part, { file, layout, begin, end }] of parts.entries()) {
      const bytes = new Uint8Array(layout.totalBytes);
      bytes.set(layout.header);
      const gguf = await openGguf(bytesSource(file, bytes));
      expect(gguf.keys.get('split.no')).toBe(part);
      expect(gguf.keys.get('split.count')).toBe(3);
      expect(gguf.keys.get('split.tensors.count')).toBe(5);
      expect(gguf.keys.has('general.name')).toBe(part === 0);
      expect([...gguf.tensors.keys()]).toEqual(entries.slice(begin, end).map(({ name }) => name));
    }
  });
});
