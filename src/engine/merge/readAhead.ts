import { checkRange, copyingSource } from '../../base/storage/byteSource.ts';
import type { ByteSource, Folder } from '../../base/storage/types.ts';

/** Bytes fetched at a time. */
const CHUNK = 16 * 1024 * 1024;

/** Chunks fetched ahead of the current one. */
const AHEAD = 2;

/** Smaller reads out of sequence are served separately: rows of a proof, headers. */
const SMALL = 1024 * 1024;

/**
 * A folder on a network whose weights are read sequentially: in few large requests, with the next ones in progress
 * while the current one is used. At most four chunks of 16 MiB are in memory, of one file.
 */
export function readAheadFolder(folder: Folder): Folder {
  let last: ReadAhead | null = null;
  const opened = new Map<string, ReadAhead>();
  return {
    name: folder.name,
    origin: folder.origin,
    list: () => folder.list(),
    async open(file) {
      if (!file.endsWith('.safetensors')) return folder.open(file);
      const source = opened.get(file) ?? new ReadAhead(await folder.open(file));
      opened.set(file, source);
      return copyingSource({
        name: source.name,
        size: source.size,
        read(offset, length) {
          if (last !== source) last?.forget();
          last = source;
          return source.read(offset, length);
        },
      });
    },
  };
}

class ReadAhead {
  readonly name: string;
  readonly size: number;
  readonly #source: ByteSource;
  readonly #chunks = new Map<number, Promise<Uint8Array<ArrayBuffer>>>();

  constructor(source: ByteSource) {
    this.name = source.name;
    this.size = source.size;
    this.#source = source;
  }

  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    checkRange(this, offset, length);
    const first = Math.floor(offset / CHUNK);
    const end = Math.ceil((offset + length) / CHUNK);
    if (length < SMALL && !this.#chunks.has(first)) return this.#source.read(offset, length);
    for (const chunk of this.#chunks.keys()) {
      if (chunk < first || chunk > end + AHEAD) this.#chunks.delete(chunk);
    }
    const bytes = new Uint8Array(length);
    for (let chunk = first; chunk < end; chunk++) {
      this.#askFrom(chunk);
      const start = chunk * CHUNK;
      const found = await this.#chunks.get(chunk)!;
      const from = Math.max(offset, start);
      const to = Math.min(offset + length, start + found.byteLength);
      bytes.set(found.subarray(from - start, to - start), from - offset);
    }
    return bytes;
  }

  forget(): void {
    this.#chunks.clear();
  }

  #askFrom(first: number): void {
    for (let chunk = first; chunk <= first + AHEAD && chunk * CHUNK < this.size; chunk++) {
      if (this.#chunks.has(chunk)) continue;
      const start = chunk * CHUNK;
      const asked = this.#source.read(start, Math.min(CHUNK, this.size - start));
      this.#chunks.set(chunk, asked);
      asked.catch(() => {
        // The failure is thrown where the chunk is needed; then it is requested again.
        if (this.#chunks.get(chunk) === asked) this.#chunks.delete(chunk);
      });
    }
  }
}
