import type { IHasher } from 'hash-wasm';
import { createCrc32, takeCrc32 } from '../../base/lib/crc32.ts';
import { pieceBytesOf, sameBytes } from '../../base/storage/pieceJournal.ts';
import { GraftError } from '../../base/lib/errors.ts';
import type { SafetensorsLayout } from '../../content/formats/safetensorsLayout.ts';
import type { ByteSink, RandomAccessFile } from '../../base/storage/types.ts';
import { createContentHash, takeDigest } from '../../base/lib/contentHash.ts';
import type { MergeFolder } from './mergeFolder.ts';
import type { MergeJournal } from './mergeJournal.ts';

/** A shard to write: its index in the journal, its name, and its contents. */
export interface ShardRange {
  shard: number;
  file: string;
  layout: SafetensorsLayout;
}

/** Bytes of a shard's data, after its header. */
export function dataBytesOf({ header, totalBytes }: SafetensorsLayout): number {
  return totalBytes - header.byteLength;
}

/** Number of pieces of a shard in the journal. */
export function piecesOf(layout: SafetensorsLayout): number {
  const size = dataBytesOf(layout);
  return Math.ceil(size / pieceBytesOf(size));
}

/**
 * Writes a file of weights sequentially, and resumes where an earlier start ended: each existing piece is read back and
 * must have the digest it was written with. In place, the header is written last, when all data is on disk: until then
 * its length reads 0, and no reader takes the file for weights.
 */
export class ShardFile {
  readonly #place: ShardRange;
  readonly #journal: MergeJournal;
  readonly #target: Target;
  readonly #pieceBytes: number;
  readonly #size: number;
  readonly #piece: IHasher;
  readonly #crc: IHasher | null;
  #at = 0;

  private constructor(
    place: ShardRange,
    journal: MergeJournal,
    target: Target,
    hashers: { piece: IHasher; crc: IHasher | null },
  ) {
    this.#place = place;
    this.#journal = journal;
    this.#target = target;
    this.#size = dataBytesOf(place.layout);
    this.#pieceBytes = pieceBytesOf(this.#size);
    this.#piece = hashers.piece;
    this.#crc = hashers.crc;
    this.#crc?.update(place.layout.header);
  }

  /**
   * Opens a shard and finds how much of it is written.
   * @param options.crc whether to compute the CRC-32 of the file, which a zip needs
   */
  static async open(
    destination: MergeFolder,
    journal: MergeJournal,
    place: ShardRange,
    options: { crc?: boolean; stopIfCancelled?: () => void } = {},
  ): Promise<ShardFile> {
    const hashers = {
      piece: await createContentHash(),
      crc: options.crc ? await createCrc32() : null,
    };
    const target = destination.edit
      ? new FileInPlace(await destination.edit(place.file), place.layout)
      : new FileAtOnce(destination, place.file, place.layout);
    const shard = new ShardFile(place, journal, target, hashers);
    try {
      await shard.#findStart(options.stopIfCancelled);
      return shard;
    } catch (error) {
      await target.leave();
      throw error;
    }
  }

  /** Bytes of data already written; the next write appends to them. */
  get done(): number {
    return this.#at;
  }

  /** Appends data. Throws `storage.*`, `formats.write_size`. */
  async write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const end = this.#at + bytes.byteLength;
    if (end > this.#size) this.#failSize(end);
    await this.#target.write(this.#at, bytes);
    this.#crc?.update(bytes);
    for (let done = 0; done < bytes.byteLength;) {
      const piece = Math.floor(this.#at / this.#pieceBytes);
      const pieceEnd = Math.min(this.#size, (piece + 1) * this.#pieceBytes);
      const some = bytes.subarray(done, done + pieceEnd - this.#at);
      this.#piece.update(some);
      this.#at += some.byteLength;
      done += some.byteLength;
      if (this.#at < pieceEnd) continue;
      await this.#journal.record(this.#place.shard, piece, takeDigest(this.#piece));
    }
  }

  /**
   * Flushes the whole file to disk. Throws `formats.write_size` if data is missing.
   * @returns the CRC-32, if requested
   */
  async finish(): Promise<number | null> {
    if (this.#at !== this.#size) this.#failSize(this.#at);
    await this.#target.finish();
    await this.#journal.save();
    return this.#crc ? takeCrc32(this.#crc) : null;
  }

  /** Stops for now; what is written remains for the next start if the destination allows it. */
  async leave(): Promise<void> {
    await this.#target.leave();
  }

  async #findStart(stopIfCancelled?: () => void): Promise<void> {
    const isThere = await this.#target.holds();
    if (isThere) await this.#followClaims(stopIfCancelled);
    if (isThere && this.#at === this.#size) return;
    if (this.#target.allOrNothing) {
      this.#at = 0;
      this.#crc?.init();
      this.#crc?.update(this.#place.layout.header);
    }
    await this.#target.begin();
  }

  async #followClaims(stopIfCancelled?: () => void): Promise<void> {
    while (this.#at < this.#size) {
      stopIfCancelled?.();
      const claimed = this.#journal.digest(this.#place.shard, this.#at / this.#pieceBytes);
      if (!claimed) return;
      const end = Math.min(this.#size, this.#at + this.#pieceBytes);
      const bytes = await this.#target.read(this.#at, end - this.#at);
      this.#piece.update(bytes);
      if (!sameBytes(takeDigest(this.#piece), claimed)) return;
      this.#crc?.update(bytes);
      this.#at = end;
    }
  }

  #failSize(actual: number): never {
    const { file } = this.#place;
    throw new GraftError('formats.write_size', { file, tensor: 'all', actual, expected: this.#size });
  }
}

/** How a destination writes a file; offsets are relative to the data. */
interface Target {
  /** Whether an incomplete file is lost when it is left. */
  readonly allOrNothing: boolean;
  /** Whether part of the file exists. */
  holds(): Promise<boolean>;
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Prepares for writing data. */
  begin(): Promise<void>;
  write(offset: number, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  finish(): Promise<void>;
  leave(): Promise<void>;
}

class FileInPlace implements Target {
  readonly allOrNothing = false;
  readonly #file: RandomAccessFile;
  readonly #layout: SafetensorsLayout;

  constructor(file: RandomAccessFile, layout: SafetensorsLayout) {
    this.#file = file;
    this.#layout = layout;
  }

  async holds(): Promise<boolean> {
    return (await this.#file.size()) === this.#layout.totalBytes;
  }

  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    return this.#file.read(this.#layout.header.byteLength + offset, length);
  }

  async begin(): Promise<void> {
    const { totalBytes } = this.#layout;
    // A header of length 0: on disk before any byte after it changes.
    await this.#file.write(0, new Uint8Array(8));
    await this.#file.flush();
    // Full size from the start: a lack of space shows now.
    if ((await this.#file.size()) !== totalBytes) await this.#file.truncate(totalBytes);
  }

  write(offset: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.#file.write(this.#layout.header.byteLength + offset, bytes);
  }

  async finish(): Promise<void> {
    await this.#file.flush();
    await this.#file.write(0, this.#layout.header);
    await this.#file.flush();
    await this.#file.close();
  }

  leave(): Promise<void> {
    return this.#file.close();
  }
}

class FileAtOnce implements Target {
  readonly allOrNothing = true;
  readonly #destination: MergeFolder;
  readonly #name: string;
  readonly #layout: SafetensorsLayout;
  #sink: ByteSink | null = null;

  constructor(destination: MergeFolder, name: string, layout: SafetensorsLayout) {
    this.#destination = destination;
    this.#name = name;
    this.#layout = layout;
  }

  async holds(): Promise<boolean> {
    if (!(await this.#destination.list()).includes(this.#name)) return false;
    const source = await this.#destination.open(this.#name);
    const { header, totalBytes } = this.#layout;
    return source.size === totalBytes && sameBytes(await source.read(0, header.byteLength), header);
  }

  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const source = await this.#destination.open(this.#name);
    return source.read(this.#layout.header.byteLength + offset, length);
  }

  async begin(): Promise<void> {
    if ((await this.#destination.list()).includes(this.#name)) await this.#destination.remove(this.#name);
    this.#sink = await this.#destination.create(this.#name);
    await this.#sink.write(this.#layout.header);
  }

  async write(_offset: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#sink!.write(bytes);
  }

  async finish(): Promise<void> {
    await this.#sink?.close();
  }

  async leave(): Promise<void> {
    await this.#sink?.abort();
  }
}
