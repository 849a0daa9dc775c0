import { renamedSource } from '../base/storage/byteSource.ts';
import type { Folder } from '../base/storage/types.ts';

/** A folder whose files have a version, and which counts the bytes read of its safetensors. */
export class VersionedFolder implements Folder {
  readonly name: string;
  readonly #inner: Folder;
  readonly #version: string;
  bytesRead = 0;
  /** Reads fail after this many bytes. */
  failAfter = Infinity;

  constructor(inner: Folder, version = '1') {
    this.name = inner.name;
    this.#inner = inner;
    this.#version = version;
  }

  list(): Promise<string[]> {
    return this.#inner.list();
  }

  async open(file: string) {
    const source = await this.#inner.open(file);
    const counted = renamedSource(source, file, this.#version);
    if (!file.endsWith('.safetensors')) return counted;
    const count = (length: number): void => {
      this.bytesRead += length;
      if (this.bytesRead > this.failAfter) throw new Error('the disk is gone');
    };
    return {
      ...counted,
      read: async (offset: number, length: number) => {
        count(length);
        return source.read(offset, length);
      },
      readInto: async (offset: number, target: Uint8Array<ArrayBuffer>) => {
        count(target.byteLength);
        target.set(await source.read(offset, target.byteLength));
      },
    };
  }
}
