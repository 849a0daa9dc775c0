import { createCRC32, type IHasher } from 'hash-wasm';
import { pieceBytesOf, sameBytes } from '../hub/pieceJournal.ts';
import { GraftError } from '../lib/errors.ts';
import type { SafetensorsLayout } from '../formats/safetensorsLayout.ts';
import type { ByteSink, RandomAccessFile } from '../storage/types.ts';
import { createContentHash, takeDigest } from '../lib/contentHash.ts';
import type { MergeDestination } from './destination.ts';
import type { MergeJournal } from './mergeJournal.ts';

/** A shard to write: its place in the journal, its name, and what it holds. */
export interface ShardPlace {
  shard: number;
  file: string;
  layout: SafetensorsLayout;
}

/** Bytes of a shard's data, behind its header. */
export function dataBytesOf({ header, totalBytes }: SafetensorsLayout): number {
  return totalBytes - header.byteLength;
}

/** How many pieces the journal keeps of a shard. */
export function piecesOf(layout: SafetensorsLayout): number {
  const size = dataBytesOf(layout);
  return Math.ceil(size / pieceBytesOf(size));
}

/**
 * A file of weights that is written front to back, and goes on where an earlier start has ended: each piece that is
 * there is read back and must have the digest it was written with. In place, the header comes last, when all data is
 * on disk: until then its length reads 0, and no reader takes the file for weights.
 */
export class ShardFile {
  readonly #place: ShardPlace;
  readonly #journal: MergeJournal;
  readonly #target: Target;
  readonly #pieceBytes: number;
  readonly #size: number;
  readonly #piece: IHasher;
  readonly #crc: IHasher | null;
  #at = 0;

  private constructor(
    place: ShardPlace,
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
   * Opens a shard and finds how far it is written.
   * @param options.crc whether the CRC-32 of the file is wanted, which a zip has to tell
   */
  static async open(
    destination: MergeDestination,
    journal: MergeJournal,
    place: ShardPlace,
    options: { crc?: boolean; stopIfCancelled?: () => void } = {},
  ): Promise<ShardFile> {
    const hashers = {
      piece: await createContentHash(),
      crc: options.crc ? await createCRC32() : null,
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

  /** Bytes of data that are there: what is written next comes behind them. */
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

  /** Puts the whole on disk. Throws `formats.write_size` where data is missing. @returns the CRC-32, if asked for */
  async finish(): Promise<number | null> {
    if (this.#at !== this.#size) this.#failSize(this.#at);
    await this.#target.finish();
    await this.#journal.save();
    return this.#crc ? Number.parseInt(this.#crc.digest('hex'), 16) : null;
  }

  /** Gives up for now; what is there stays for the next start where the place allows it. */
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

/** How a destination keeps a file; offsets are those of the data. */
interface Target {
  /** Whether what is not whole is lost when the file is left. */
  readonly allOrNothing: boolean;
  /** Whether something of the file is there. */
  holds(): Promise<boolean>;
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Makes ready for data. */
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
    // A header of length 0: on disk before a byte behind it changes.
    await this.#file.write(0, new Uint8Array(8));
    await this.#file.flush();
    // Whole from the start: where the space does not suffice, that shows now.
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
  readonly #destination: MergeDestination;
  readonly #name: string;
  readonly #layout: SafetensorsLayout;
  #sink: ByteSink | null = null;

  constructor(destination: MergeDestination, name: string, layout: SafetensorsLayout) {
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
