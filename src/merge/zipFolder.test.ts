import { expect, it } from 'vitest';
import { MemoryFolder } from '../storage/memoryFolder.ts';
import type { ByteSink } from '../storage/types.ts';
import { caught } from '../testing/errors.ts';
import { zipFolder } from './zipFolder.ts';

const folder = new MemoryFolder('merged', {
  'config.json': '{"a": 1}',
  'Grüße.txt': 'Grüße',
  'empty.txt': '',
  // More than one piece of 4 MiB.
  'model.safetensors': Uint8Array.from({ length: 5_000_000 }, (_, i) => i * 7),
});

/** Files of a zip of stored entries by name, read from its central directory and checked against their CRC. */
function unzip(zip: Uint8Array): Map<string, Uint8Array> {
  const view = new DataView(zip.buffer, zip.byteOffset, zip.byteLength);
  const end = zip.byteLength - 22;
  expect(view.getUint32(end, true)).toBe(0x06054b50);
  const files = new Map<string, Uint8Array>();
  let at = view.getUint32(end + 16, true);
  for (let entry = 0; entry < view.getUint16(end + 10, true); entry++) {
    expect(view.getUint32(at, true)).toBe(0x02014b50);
    const [crc, size, local] = [16, 24, 42].map((field) => view.getUint32(at + field, true)) as [
      number,
      number,
      number,
    ];
    const [nameLength, extra, comment] = [28, 30, 32].map((field) => view.getUint16(at + field, true)) as [
      number,
      number,
      number,
    ];
    expect(view.getUint16(at + 10, true), 'stored, not compressed').toBe(0);
    const name = new TextDecoder().decode(zip.subarray(at + 46, at + 46 + nameLength));
    expect(view.getUint32(local, true)).toBe(0x04034b50);
    const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    const bytes = zip.slice(start, start + size);
    expect(crc32(bytes), name).toBe(crc);
    files.set(name, bytes);
    at += 46 + nameLength + extra + comment;
  }
  return files;
}

function crc32(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

it('zips every file into a folder of that name, as it is', async () => {
  const out = new MemoryFolder('out');
  const told: [number, number][] = [];
  await zipFolder(folder, 'tiny-merged', await out.create('tiny.zip'), (done, total) =>
    told.push([done, total]),
  );
  const files = unzip(out.files.get('tiny.zip')!);
  expect([...files.keys()]).toEqual([...folder.files.keys()].sort().map((name) => `tiny-merged/${name}`));
  for (const [name, bytes] of folder.files) {
    // One comparison of bytes: element by element, megabytes take a matcher many seconds.
    expect(Buffer.compare(files.get(`tiny-merged/${name}`)!, bytes), name).toBe(0);
  }
  const total = [...folder.files.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
  expect(told.at(-1)).toEqual([total, total]);
  expect(told.length).toBeGreaterThan(3);
});

it('leaves nothing when the disk or a file fails', async () => {
  const out = new MemoryFolder('out');
  const sink = await out.create('tiny.zip');
  let writes = 0;
  const full: ByteSink = {
    write: (bytes) => (++writes > 2 ? Promise.reject(new Error('disk full')) : sink.write(bytes)),
    close: () => sink.close(),
    abort: () => sink.abort(),
  };
  expect(await caught(() => zipFolder(folder, 'tiny', full))).toMatchObject({ message: 'disk full' });
  expect(await caught(() => sink.close())).toMatchObject({ code: 'storage.sink_closed' });

  const other = await out.create('tiny.zip');
  const source = await folder.open('model.safetensors');
  const unreadable = {
    name: 'merged',
    list: () => folder.list(),
    open: async (file: string) =>
      file === source.name ? { ...source, read: () => Promise.reject(new Error('gone')) } : folder.open(file),
  };
  expect(await caught(() => zipFolder(unreadable, 'tiny', other))).toMatchObject({ message: 'gone' });
  expect(await caught(() => other.close())).toMatchObject({ code: 'storage.sink_closed' });
  expect(out.files.size).toBe(0);
});
