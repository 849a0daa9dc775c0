import type { RandomAccessFile } from './types.ts';

/** Bytes of a SHA-256. */
const DIGEST = 32;
const MAGIC = 0x67706a31;
/** Magic number, piece size, file size (two words). */
const HEADER = 16;

/** Piece size in bytes: a power of two, at most a thousandth of the file, from 16 KiB to 4 MiB. */
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
 * A separate file that records which pieces of a file have arrived, by their digests. It is only a hint: nothing is
 * flushed in order, so after a crash each piece is read back and must match its digest. A torn entry is a digest that
 * matches no piece.
 */
export class PieceJournal {
  readonly pieceBytes: number;
  readonly count: number;
  /** By piece; undefined for pieces that have not arrived. */
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

  /** Opens a journal; one of another file or with another piece size is reset. */
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

  /** Start and end of a piece in the file. */
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
