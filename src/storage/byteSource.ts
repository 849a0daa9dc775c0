import { GraftError } from '../lib/errors.ts';
import { naming } from './storageError.ts';
import type { ByteSource } from './types.ts';

/** Throws `storage.short_read` unless bytes `offset` to `offset + length` are all in the file. */
export function checkRange(source: { name: string; size: number }, offset: number, length: number): void {
  const { name: file, size } = source;
  if (!(offset >= 0 && length >= 0 && offset + length <= size)) {
    throw new GraftError('storage.short_read', { file, size, offset, end: offset + length });
  }
}

/** A source over bytes in memory. What it returns are copies. */
export function bytesSource(name: string, bytes: Uint8Array): ByteSource {
  const size = bytes.byteLength;
  return {
    name,
    size,
    async read(offset, length) {
      checkRange({ name, size }, offset, length);
      return bytes.slice(offset, offset + length) as Uint8Array<ArrayBuffer>;
    },
  };
}

/** Fills `target` from `offset` of any source on: without a copy on the way where the source can do so. */
export async function readInto(
  source: ByteSource,
  offset: number,
  target: Uint8Array<ArrayBuffer>,
): Promise<void> {
  if (source.readInto) await source.readInto(offset, target);
  else target.set(await source.read(offset, target.byteLength));
}

/** The same source under another name, and with a version of its own where one is known. */
export function renamedSource(source: ByteSource, name: string, version = source.version): ByteSource {
  return {
    name,
    size: source.size,
    async read(offset, length) {
      checkRange({ name, size: source.size }, offset, length);
      return source.read(offset, length);
    },
    readInto: async (offset, target) => {
      checkRange({ name, size: source.size }, offset, target.byteLength);
      await readInto(source, offset, target);
    },
    release: async () => source.release?.(),
    ...(version !== undefined && { version }),
  };
}

/** A source over a Blob or File, read by slices. Throws `storage.changed` when the file changed after it was chosen. */
export function blobSource(name: string, blob: Blob): ByteSource {
  const { size } = blob;
  return {
    name,
    size,
    ...('lastModified' in blob && { version: `changed ${String(blob.lastModified)}` }),
    async read(offset, length) {
      checkRange({ name, size }, offset, length);
      const slice = blob.slice(offset, offset + length);
      const bytes = new Uint8Array(await naming(name, name, () => slice.arrayBuffer()));
      checkRange({ name, size: offset + bytes.byteLength }, offset, length);
      return bytes;
    },
  };
}
