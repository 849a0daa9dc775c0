import { checkFileName } from '../lib/fileName.ts';
import { checkRange } from './byteSource.ts';
import { MemoryFolder } from './memoryFolder.ts';
import type { Directory, RandomAccessFile } from './types.ts';

/** An in-memory directory with subdirectories. */
export class MemoryDirectory extends MemoryFolder implements Directory {
  readonly #directories = new Map<string, MemoryDirectory>();

  async directories(): Promise<string[]> {
    return [...this.#directories.keys()].sort();
  }

  async directory(name: string): Promise<MemoryDirectory> {
    checkFileName(name);
    const found = this.#directories.get(name) ?? new MemoryDirectory(name);
    this.#directories.set(name, found);
    return found;
  }

  async removeDirectory(name: string): Promise<void> {
    this.#directories.delete(name);
  }

  async edit(file: string): Promise<RandomAccessFile> {
    checkFileName(file);
    const { files } = this;
    const bytes = (): Uint8Array<ArrayBuffer> => files.get(file) ?? new Uint8Array(0);
    const resize = (size: number): void => {
      const resized = new Uint8Array(size);
      resized.set(bytes().subarray(0, size));
      files.set(file, resized);
    };
    if (!files.has(file)) resize(0);
    return {
      name: file,
      size: async () => bytes().byteLength,
      async read(offset, length) {
        checkRange({ name: file, size: bytes().byteLength }, offset, length);
        return bytes().slice(offset, offset + length);
      },
      async write(offset, added) {
        if (offset + added.byteLength > bytes().byteLength) resize(offset + added.byteLength);
        bytes().set(added, offset);
      },
      truncate: async (size) => resize(size),
      flush: async () => undefined,
      close: async () => undefined,
    };
  }
}
