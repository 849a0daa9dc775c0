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

/** A source that has no way to read without a copy: its `readInto` copies what `read` returns. */
export function copyingSource(source: Omit<ByteSource, 'readInto'>): ByteSource {
  return {
    ...source,
    async readInto(offset, target) {
      target.set(await this.read(offset, target.byteLength));
    },
  };
}

/** A source over bytes in memory. What it returns are copies. */
export function bytesSource(name: string, bytes: Uint8Array): ByteSource {
  const size = bytes.byteLength;
  return copyingSource({
    name,
    size,
    async read(offset, length) {
      checkRange({ name, size }, offset, length);
      return bytes.slice(offset, offset + length) as Uint8Array<ArrayBuffer>;
    },
  });
}

/** The same source under another name, with a version if one is known. */
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
      await source.readInto(offset, target);
    },
    release: async () => source.release?.(),
    ...(version !== undefined && { version }),
  };
}

/**
 * A source over a Blob or File, read by slices. Throws `storage.changed` if the file changed after it was selected.
 */
export function blobSource(name: string, blob: Blob): ByteSource {
  const { size } = blob;
  return copyingSource({
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
  });
}
