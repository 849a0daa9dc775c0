import { bytesSource } from '../storage/byteSource.ts';
import { sameBytes } from '../hub/pieceJournal.ts';
import { writeBytes } from '../formats/text.ts';
import type { Folder } from '../storage/types.ts';
import type { MergeDestination } from './destination.ts';
import type { MergeJournal } from './mergeJournal.ts';
import { proofFailed } from './proofFailed.ts';

/** A file of a merged model. */
export interface MergedFile {
  name: string;
  size: number;
  /** Its CRC-32, where it was asked for and is known. */
  crc: number | null;
}

/** A merge that is on disk but for its last file: no model yet, so that it can be proved before it looks like one. */
export class WrittenMerge {
  /** With the file that is still missing. */
  readonly files: MergedFile[];
  readonly #destination: MergeDestination;
  readonly #journal: MergeJournal;
  readonly #last: { name: string; bytes: Uint8Array<ArrayBuffer> };

  constructor(
    destination: MergeDestination,
    journal: MergeJournal,
    files: readonly MergedFile[],
    last: { name: string; bytes: Uint8Array<ArrayBuffer> },
  ) {
    this.#destination = destination;
    this.#journal = journal;
    this.#last = last;
    this.files = [...files, { name: last.name, size: last.bytes.byteLength, crc: null }];
  }

  /** The folder as it will be. */
  get folder(): Folder {
    const { name: last, bytes } = this.#last;
    return {
      name: this.#destination.name,
      list: async () => [...(await this.#destination.list()), last].sort(),
      open: async (file) => (file === last ? bytesSource(last, bytes) : this.#destination.open(file)),
    };
  }

  /** Writes the last file: from here on the folder is the merged model. */
  async commit(): Promise<void> {
    const { name, bytes } = this.#last;
    try {
      await writeBytes(this.#destination, name, bytes);
      const source = await this.#destination.open(name);
      const found = await source.read(0, source.size);
      if (!sameBytes(found, bytes)) throw proofFailed(`the file “${name}” changed`);
    } catch (error) {
      await this.leave();
      throw error;
    }
    await this.#journal.remove();
  }

  /** Leaves what is there for the next start of the same merge. */
  async leave(): Promise<void> {
    await this.#journal.close();
  }

  /** Removes everything that was written. */
  async discard(): Promise<void> {
    const present = new Set(await this.#destination.list());
    // The last file first: without it the rest is no model.
    const names = [this.#last.name, ...this.files.map(({ name }) => name)];
    for (const name of new Set(names)) if (present.has(name)) await this.#destination.remove(name);
    await this.#journal.remove();
  }
}
