import { readFileSync } from 'node:fs';
import { copyingSource } from '../base/storage/byteSource.ts';
import type { ByteSource, Folder } from '../base/storage/types.ts';

/** A ByteSource over bytes or text in memory, for tests. */
export function memorySource(name: string, content: string | Uint8Array): ByteSource {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  return copyingSource({
    name,
    size: bytes.length,
    read: (offset, length) => Promise.resolve(bytes.slice(offset, offset + length)),
  });
}

/** A ByteSource with the content of a file on disk, for tests. */
export function diskSource(path: string): ByteSource {
  return memorySource(path.slice(path.lastIndexOf('/') + 1), new Uint8Array(readFileSync(path)));
}

/** A Folder of files in memory, for tests. */
export function memoryFolder(files: Record<string, string | Uint8Array>): Folder {
  return {
    name: 'memory',
    list: () => Promise.resolve(Object.keys(files).sort()),
    open: (file) => {
      const content = files[file];
      if (content === undefined) return Promise.reject(new Error(`no file ${file}`));
      return Promise.resolve(memorySource(file, content));
    },
  };
}
