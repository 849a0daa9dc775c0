import type { RandomAccessFile } from '../storage/types.ts';

/** Bytes of a SHA-256. */
const DIGEST = 32;
const MAGIC = 0x67706a31;
/** magic, bytes a piece, size of the file (two words). */
const HEADER = 16;

/** Bytes of a piece: a power of two, at most a thousandth of the file, from 16 KiB to 4 MiB. */
export function pieceBytesOf(size: number): number {
  return Math.min(4 << 20, Math.max(16 << 10, 2 ** Math.floor(Math.log2(Math.max(1, size / 1024)))));
}

/** The SHA-256 of bytes. */
export async function digestOf(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && a.every((byte, at) => byte === b[at]);
}

/**
 * Which pieces of a file have arrived, by their digests, in a file of its own. It is only a claim: nothing was flushed
 * in any order, so after a crash each piece is read back and must have its digest. A torn entry is a digest that no
 * piece has.
 */
export class PieceJournal {
  readonly pieceBytes: number;
  readonly count: number;
  /** By piece; what is missing has not arrived. */
  readonly digests: (Uint8Array<ArrayBuffer> | undefined)[];
  readonly #file: RandomAccessFile;
  readonly #size: number;

  private constructor(file: RandomAccessFile, size: number) {
    this.#file = file;
    this.#size = size;
    this.pieceBytes = pieceBytesOf(size);
    this.count = Math.ceil(size / this.pieceBytes);
    this.digests = Array.from({ length: this.count }, () => undefined);
  }

  /** Reads what is there; a journal of another file or of another size of pieces starts anew. */
  static async open(file: RandomAccessFile, size: number): Promise<PieceJournal> {
    const journal = new PieceJournal(file, size);
    const expected = journal.#header();
    const found = await file.read(0, Math.min(HEADER, await file.size()));
    if (sameBytes(found, expected)) await journal.#load();
    else {
      await file.truncate(0);
      await file.write(0, expected);
    }
    return journal;
  }

  /** Where a piece begins and ends in the file. */
  bounds(piece: number): [begin: number, end: number] {
    const begin = piece * this.pieceBytes;
    return [begin, Math.min(begin + this.pieceBytes, this.#size)];
  }

  async record(piece: number, digest: Uint8Array<ArrayBuffer>): Promise<void> {
    this.digests[piece] = digest;
    await this.#file.write(HEADER + piece * DIGEST, digest);
  }

  async forget(piece: number): Promise<void> {
    await this.record(piece, new Uint8Array(DIGEST));
    this.digests[piece] = undefined;
  }

  async #load(): Promise<void> {
    const bytes = (await this.#file.size()) - HEADER;
    const entries = await this.#file.read(HEADER, Math.min(bytes, this.count * DIGEST));
    for (let piece = 0; (piece + 1) * DIGEST <= entries.byteLength; piece++) {
      const digest = entries.slice(piece * DIGEST, (piece + 1) * DIGEST);
      // A gap reads as zeros.
      if (digest.some((byte) => byte !== 0)) this.digests[piece] = digest;
    }
  }

  #header(): Uint8Array<ArrayBuffer> {
    const words = [MAGIC, this.pieceBytes, Math.floor(this.#size / 2 ** 32), this.#size >>> 0];
    const view = new DataView(new ArrayBuffer(HEADER));
    words.forEach((word, at) => view.setUint32(at * 4, word, true));
    return new Uint8Array(view.buffer);
  }
}
