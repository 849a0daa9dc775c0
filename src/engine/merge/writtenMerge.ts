import { bytesSource } from '../../base/storage/byteSource.ts';
import { pieceBytesOf, sameBytes } from '../../base/storage/pieceJournal.ts';
import { writeBytes } from '../../content/formats/text.ts';
import type { Folder } from '../../base/storage/types.ts';
import { createContentHash, takeDigest } from '../../base/lib/contentHash.ts';
import type { MergeFolder } from './mergeFolder.ts';
import type { MergeJournal } from './mergeJournal.ts';
import { proofFailed } from './proofFailed.ts';
import { dataBytesOf, piecesOf, type ShardRange } from './shardFile.ts';

/** A file of a merged model. */
export interface MergedFile {
  name: string;
  size: number;
  /** Its CRC-32, if it was requested and is known. */
  crc: number | null;
}

/**
 * A merge that is on disk except for its last file: not a model yet, so that it can be verified before it looks like
 * one.
 */
export class WrittenMerge {
  /** Including the file that is still missing. */
  readonly files: MergedFile[];
  readonly #destination: MergeFolder;
  readonly #journal: MergeJournal;
  readonly #shards: readonly ShardRange[];
  readonly #last: { name: string; bytes: Uint8Array<ArrayBuffer> } | null;

  constructor(
    destination: MergeFolder,
    journal: MergeJournal,
    shards: readonly ShardRange[],
    files: readonly MergedFile[],
    last: { name: string; bytes: Uint8Array<ArrayBuffer> } | null,
  ) {
    this.#destination = destination;
    this.#journal = journal;
    this.#shards = shards;
    this.#last = last;
    const missing = last && { name: last.name, size: last.bytes.byteLength, crc: null };
    this.files = missing ? [...files, missing] : [...files];
  }

  /** The folder as it will be. */
  get folder(): Folder {
    if (!this.#last) return this.#destination;
    const { name: last, bytes } = this.#last;
    return {
      name: this.#destination.name,
      list: async () => [...(await this.#destination.list()), last].sort(),
      open: async (file) => (file === last ? bytesSource(last, bytes) : this.#destination.open(file)),
    };
  }

  /**
   * Reads the weights back and compares each piece with the digest it was written with. Throws `merge.proof_failed`.
   * @param folder the same folder, to be read from
   */
  async compareDigests(folder: Folder, onProgress: (done: number) => void): Promise<void> {
    const hasher = await createContentHash();
    let done = 0;
    for (const { shard, file, layout } of this.#shards) {
      const source = await folder.open(file);
      const start = layout.header.byteLength;
      const pieceBytes = pieceBytesOf(dataBytesOf(layout));
      for (let piece = 0; piece < piecesOf(layout); piece++) {
        const at = start + piece * pieceBytes;
        const bytes = new Uint8Array(Math.min(pieceBytes, layout.totalBytes - at));
        await source.readInto(at, bytes);
        hasher.update(bytes);
        const claimed = this.#journal.digest(shard, piece);
        if (!claimed || !sameBytes(takeDigest(hasher), claimed)) {
          throw proofFailed(`“${file}” is not what was written, near byte ${at}`);
        }
        onProgress((done += bytes.byteLength));
      }
      await source.release?.();
    }
  }

  /** Writes the last file, if there is one: from here on the folder is the merged model. */
  async commit(): Promise<void> {
    if (this.#last) await this.#writeLast(this.#last);
    await this.#journal.remove();
  }

  async #writeLast({ name, bytes }: { name: string; bytes: Uint8Array<ArrayBuffer> }): Promise<void> {
    try {
      await writeBytes(this.#destination, name, bytes);
      const source = await this.#destination.open(name);
      const found = await source.read(0, source.size);
      if (!sameBytes(found, bytes)) throw proofFailed(`the file “${name}” changed`);
    } catch (error) {
      await this.leave();
      throw error;
    }
  }

  /** Leaves the files for the next start of the same merge. */
  async leave(): Promise<void> {
    await this.#journal.close();
  }

  /** Removes everything that was written. */
  async discard(): Promise<void> {
    const present = new Set(await this.#destination.list());
    // The last file first: without it the rest is no model.
    const names = [...(this.#last ? [this.#last.name] : []), ...this.files.map(({ name }) => name)];
    for (const name of new Set(names)) if (present.has(name)) await this.#destination.remove(name);
    await this.#journal.remove();
  }
}
