import { expect, it } from 'vitest';
import { bytesSource } from '../../base/storage/byteSource.ts';
import type { Folder } from '../../base/storage/types.ts';
import { caught } from '../../testing/errors.ts';
import { readAheadFolder } from './readAhead.ts';

const MIB = 1024 * 1024;
const size = 50 * MIB + 7;
const content = new Uint8Array(size).map((_, i) => Math.imul(i + 1, 2654435761) >>> 24);

/** A folder that records its reads; reads at `failing` fail once. */
function folder(failing = new Set<number>()): { asked: [number, number][]; made: Folder } {
  const asked: [number, number][] = [];
  const source = bytesSource('model.safetensors', content);
  const read = async (offset: number, length: number) => {
    asked.push([offset / MIB, length / MIB]);
    if (failing.delete(offset / MIB)) throw new Error('offline');
    return source.read(offset, length);
  };
  const made = { name: 'remote', list: async () => [source.name], open: async () => ({ ...source, read }) };
  return { asked, made };
}

it('reads sequentially in large requests, each byte once, and small reads elsewhere separately', async () => {
  const { asked, made } = folder();
  const source = await readAheadFolder(made).open('model.safetensors');
  expect(await source.read(0, 100)).toEqual(content.slice(0, 100));
  const step = 4 * MIB - 1000;
  for (let at = 0; at < size; at += step) {
    const length = Math.min(step, size - at);
    expect(Buffer.compare(await source.read(at, length), content.subarray(at, at + length))).toBe(0);
    if (at === 0) expect(asked.length).toBe(4);
  }
  expect(asked.map(([offset]) => offset)).toEqual([0, 0, 16, 32, 48]);
  await source.read(3, 5);
  expect(asked.at(-1)![0]).toBe(3 / MIB);
});

it('retries what failed', async () => {
  const { asked, made } = folder(new Set([16]));
  const source = await readAheadFolder(made).open('model.safetensors');
  await source.read(0, 2 * MIB);
  await new Promise((resolve) => setTimeout(resolve));
  // It failed before it was needed.
  expect(Buffer.compare(await source.read(16 * MIB, 20 * MIB), content.subarray(16 * MIB, 36 * MIB))).toBe(0);
  expect(asked.filter(([offset]) => offset === 16).length).toBe(2);
  const broken = folder(new Set([0]));
  const other = await readAheadFolder(broken.made).open('model.safetensors');
  expect(await caught(() => other.read(0, 2 * MIB))).toMatchObject({ message: 'offline' });
  expect(Buffer.compare(await other.read(0, 2 * MIB), content.subarray(0, 2 * MIB))).toBe(0);
});
