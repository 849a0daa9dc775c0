import * as v from 'valibot';
import { createContentHash } from '../../base/lib/contentHash.ts';
import { GraftError } from '../../base/lib/errors.ts';
import { checkRange } from '../../base/storage/byteSource.ts';
import type { ByteSource, Directory } from '../../base/storage/types.ts';
import { isMissing, isUnsteady, readSteadily } from './readSteadily.ts';
import { CHUNK_BYTES, type CheckpointFile } from './types.ts';

/** A file as it is stored: in chunks of `chunkBytes` (the last may be shorter), each named by its content. */
export interface StoredFile {
  name: string;
  size: number;
  chunkBytes: number;
  chunks: string[];
}

const chunkName = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/));
const whole = v.pipe(v.number(), v.integer(), v.minValue(0));

/** The schema of a stored file's record. */
export const storedFileSchema = v.pipe(
  v.object({
    name: v.string(),
    size: whole,
    chunkBytes: v.pipe(whole, v.minValue(1)),
    chunks: v.array(chunkName),
  }),
  v.check(
    ({ size, chunkBytes, chunks }) => chunks.length === Math.ceil(size / chunkBytes),
    'chunks of its size',
  ),
);

/** The chunks of some files with their sizes, each once. */
export function chunksOf(files: Iterable<StoredFile>): Map<string, number> {
  const found = new Map<string, number>();
  for (const { size, chunkBytes, chunks } of files) {
    chunks.forEach((name, i) => found.set(name, Math.min(chunkBytes, size - i * chunkBytes)));
  }
  return found;
}

/**
 * Immutable chunks of files in a folder, each named by its XXH3-128: what two checkpoints share is stored once. A chunk
 * counts only when its content matches its name, so that one half written by a crash does no harm.
 */
export class ChunkStore {
  readonly directory: Directory;
  readonly #hashOf: (bytes: Uint8Array) => string;
  readonly #chunkBytes: number;

  private constructor(directory: Directory, hashOf: (bytes: Uint8Array) => string, chunkBytes: number) {
    this.directory = directory;
    this.#hashOf = hashOf;
    this.#chunkBytes = chunkBytes;
  }

  static async open(directory: Directory, chunkBytes = CHUNK_BYTES): Promise<ChunkStore> {
    const hasher = await createContentHash();
    const hashOf = (bytes: Uint8Array): string => hasher.init().update(bytes).digest('hex');
    return new ChunkStore(directory, hashOf, chunkBytes);
  }

  /**
   * Stores a file, reading it front to back, a chunk in memory at a time. Its chunks are on disk, and were read back,
   * when this resolves. Throws `runs.not_written`, and what the file and the directory throw.
   */
  async put({ name, size, read }: Pick<ByteSource, 'name' | 'size' | 'read'>): Promise<StoredFile> {
    const chunkBytes = this.#chunkBytes;
    const chunks: string[] = [];
    for (let at = 0; at < size; at += chunkBytes) {
      chunks.push(await this.putChunk(await read(at, Math.min(chunkBytes, size - at))));
    }
    return { name, size, chunkBytes, chunks };
  }

  /** Stores one chunk and gives its name. Throws what `put` throws. */
  async putChunk(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
    const name = this.#hashOf(bytes);
    const length = bytes.byteLength;
    const file = await this.directory.edit(name);
    const holds = async (): Promise<boolean> =>
      (await file.size()) === length && this.#hashOf(await file.read(0, length)) === name;
    try {
      // It may be there from another checkpoint, or from one that a crash cut off: then perhaps not on disk yet.
      const there = await holds();
      if (!there) {
        // Never emptied first: where two owners store the same chunk, the bytes of one replace equal ones of the other.
        await file.write(0, bytes);
        if ((await file.size()) !== length) await file.truncate(length);
      }
      await file.flush();
      if (!there && !(await holds())) throw new GraftError('runs.not_written', { file: name });
    } finally {
      await file.close();
    }
    return name;
  }

  /** Checks that every chunk of a file is as it was stored. Throws `runs.damaged` with the file's name. */
  async verify(stored: StoredFile): Promise<void> {
    for (let i = 0; i < stored.chunks.length; i++) await this.chunk(stored, i);
  }

  /** A chunk of a file, checked. Throws `runs.damaged` with the file's name. */
  async chunk(stored: StoredFile, index: number): Promise<Uint8Array<ArrayBuffer>> {
    const name = stored.chunks[index]!;
    const length = Math.min(stored.chunkBytes, stored.size - index * stored.chunkBytes);
    const bytes = await this.#read(name, 0, length).catch((cause: unknown) => {
      throw isMissing(cause) || isUnsteady(cause)
        ? new GraftError('runs.damaged', { file: stored.name }, { cause })
        : cause;
    });
    if (this.#hashOf(bytes) !== name) throw new GraftError('runs.damaged', { file: stored.name });
    return bytes;
  }

  /** A stored file to be read at any offset. Reading does not check it again: see `verify`. */
  open(stored: StoredFile): CheckpointFile {
    const { name, size, chunkBytes, chunks } = stored;
    return {
      name,
      size,
      read: async (offset, length) => {
        checkRange({ name, size }, offset, length);
        const bytes = new Uint8Array(length);
        for (let done = 0; done < length;) {
          const [index, within] = [Math.floor((offset + done) / chunkBytes), (offset + done) % chunkBytes];
          const some = Math.min(chunkBytes - within, length - done);
          bytes.set(await this.#read(chunks[index]!, within, some), done);
          done += some;
        }
        return bytes;
      },
    };
  }

  /**
   * Removes all chunks but these. What cannot be removed now is left for the next time.
   * @param check before each removal: throws where the run is another's by now
   */
  async collect(used: ReadonlyMap<string, number>, check: () => Promise<void>): Promise<void> {
    for (const name of await this.directory.list()) {
      if (used.has(name)) continue;
      await check();
      await this.directory.remove(name).catch(() => undefined);
    }
  }

  async #read(chunk: string, offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    return readSteadily(this.directory, chunk, (source) => source.read(offset, length));
  }
}
