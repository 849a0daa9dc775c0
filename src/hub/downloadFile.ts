import { GraftError } from '../lib/errors.ts';
import type { RandomAccessFile } from '../storage/types.ts';
import { RangesIgnored } from './answers.ts';
import type { BlobStore } from './blobStore.ts';
import { digestOf, PieceJournal, sameBytes } from './pieceJournal.ts';
import type { RemoteFile } from './remoteFile.ts';
import { WholeHash } from './wholeHash.ts';

export interface DownloadOptions {
  signal?: AbortSignal;
  /** Requests at once. */
  parallel?: number;
  /** The most bytes of one request. */
  partBytes?: number;
  /** Hears of bytes that are on disk now; those of an earlier start are told at once. */
  onBytes?: (bytes: number) => void;
}

const PARALLEL = 4;
const PART_BYTES = 16 << 20;
const LEAST_PART_BYTES = 1 << 20;

/**
 * Downloads a file in LFS into the store, from where an earlier start ended, and commits it when its SHA-256 is what
 * the Hub's listing says. What arrived is kept when this fails or is cancelled. Throws `hub.*`, `storage.*`, and the
 * signal's reason.
 */
export async function downloadFile(
  remote: RemoteFile,
  store: BlobStore,
  options: DownloadOptions = {},
): Promise<void> {
  const { file } = remote;
  if (await store.has(file)) return options.onBytes?.(file.size);
  const { directory } = store;
  const blob = await directory.edit(file.oid);
  let pieces: RandomAccessFile | undefined;
  try {
    pieces = await directory.edit(`${file.oid}.pieces`);
    // Whole from the start: where the space does not suffice, that shows now.
    if ((await blob.size()) !== file.size) await blob.truncate(file.size);
    const journal = await PieceJournal.open(pieces, file.size);
    await new FileDownload(remote, blob, journal, await WholeHash.create(), options).run();
    await blob.flush();
  } catch (error) {
    await blob.close();
    await pieces?.close();
    if (error instanceof GraftError && error.code === 'hub.checksum') await store.remove([file.oid]);
    throw error;
  }
  await blob.close();
  await pieces.close();
  await store.commit(file);
  await directory.remove(`${file.oid}.pieces`);
}

class FileDownload {
  readonly #remote: RemoteFile;
  readonly #blob: RandomAccessFile;
  readonly #journal: PieceJournal;
  readonly #hash: WholeHash;
  readonly #options: DownloadOptions;
  /** The hash follows the pieces in order, one run after another. */
  #hashing: Promise<void> = Promise.resolve();
  /** Pieces during which a connection was cut or an answer was wrong: the first to be doubted. */
  readonly #troubled = new Set<number>();

  constructor(
    remote: RemoteFile,
    blob: RandomAccessFile,
    journal: PieceJournal,
    hash: WholeHash,
    options: DownloadOptions,
  ) {
    this.#remote = remote;
    this.#blob = blob;
    this.#journal = journal;
    this.#hash = hash;
    this.#options = options;
  }

  async run(): Promise<void> {
    await this.#checkEarlier();
    await this.#fetchAll();
    await this.#follow();
    if (!this.#isRight()) await this.#repair();
  }

  /** Pieces of an earlier start that are on disk as they arrived; all others are forgotten. */
  async #checkEarlier(): Promise<void> {
    const { digests } = this.#journal;
    for (const [piece, digest] of digests.entries()) {
      if (digest === undefined) continue;
      this.#options.signal?.throwIfAborted();
      const [begin, end] = this.#journal.bounds(piece);
      if (await this.#isOnDisk(piece, digest)) this.#options.onBytes?.(end - begin);
      else await this.#journal.forget(piece);
    }
    void this.#follow();
  }

  async #isOnDisk(piece: number, digest: Uint8Array): Promise<boolean> {
    const [begin, end] = this.#journal.bounds(piece);
    return sameBytes(await digestOf(await this.#blob.read(begin, end - begin)), digest);
  }

  async #fetchAll(): Promise<void> {
    const { digests } = this.#journal;
    const missing = [...digests.keys()].filter((piece) => digests[piece] === undefined);
    try {
      await this.#inParallel(this.#parts(missing), (part, signal) => this.#fetch(part, signal, false));
    } catch (error) {
      if (!(error instanceof RangesIgnored)) throw error;
      // One stream from the start; pieces that are there already are let pass.
      await this.#fetch([0, this.#journal.count], this.#options.signal, true);
    }
  }

  /** Runs of pieces, each for one request: [first, one after the last]. */
  #parts(pieces: readonly number[]): [first: number, end: number][] {
    const { parallel = PARALLEL, partBytes = PART_BYTES } = this.#options;
    const even = Math.max(LEAST_PART_BYTES, this.#remote.file.size / parallel);
    const most = Math.max(1, Math.floor(Math.min(partBytes, even) / this.#journal.pieceBytes));
    const parts: [number, number][] = [];
    for (const piece of pieces) {
      const last = parts.at(-1);
      if (last && last[1] === piece && piece - last[0] < most) last[1] += 1;
      else parts.push([piece, piece + 1]);
    }
    return parts;
  }

  /** The first failure stops the others, and is thrown when all have ended. */
  async #inParallel<T>(items: T[], work: (item: T, signal: AbortSignal) => Promise<void>): Promise<void> {
    const { signal, parallel = PARALLEL } = this.#options;
    signal?.throwIfAborted();
    const stop = new AbortController();
    const cancel = (): void => stop.abort(signal!.reason);
    signal?.addEventListener('abort', cancel, { once: true });
    let failure: { error: unknown } | undefined;
    const queue = items.values();
    const workers = Array.from({ length: parallel }, async () => {
      for (const item of queue) {
        if (stop.signal.aborted) return;
        try {
          await work(item, stop.signal);
        } catch (error) {
          failure ??= { error };
          stop.abort(error);
        }
      }
    });
    await Promise.all(workers);
    signal?.removeEventListener('abort', cancel);
    if (failure) throw failure.error;
    signal?.throwIfAborted();
  }

  async #fetch(
    [first, last]: [number, number],
    signal: AbortSignal | undefined,
    wholeIsFine: boolean,
  ): Promise<void> {
    await this.#streamPieces([first, last], signal, wholeIsFine, async (piece, bytes) => {
      if (this.#journal.digests[piece] === undefined) await this.#keep(piece, bytes, await digestOf(bytes));
    });
  }

  /** Gathers what comes into pieces. */
  async #streamPieces(
    [first, last]: [number, number],
    signal: AbortSignal | undefined,
    wholeIsFine: boolean,
    take: (piece: number, bytes: Uint8Array<ArrayBuffer>) => Promise<void>,
  ): Promise<void> {
    const { pieceBytes } = this.#journal;
    const [start] = this.#journal.bounds(first);
    const [, stop] = this.#journal.bounds(last - 1);
    let gathered = new Uint8Array(0);
    const deliver = async (offset: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> => {
      for (let done = 0; done < bytes.byteLength;) {
        const piece = Math.floor((offset + done) / pieceBytes);
        const [begin, end] = this.#journal.bounds(piece);
        if (offset + done === begin) gathered = new Uint8Array(end - begin);
        const some = bytes.subarray(done, done + end - (offset + done));
        gathered.set(some, offset + done - begin);
        done += some.byteLength;
        if (offset + done === end) await take(piece, gathered);
      }
    };
    const onCut = (at: number): void => {
      this.#troubled.add(Math.floor(at / pieceBytes));
    };
    if (start < stop) await this.#remote.stream(start, stop, deliver, { signal, wholeIsFine, onCut });
  }

  async #keep(piece: number, bytes: Uint8Array<ArrayBuffer>, digest: Uint8Array<ArrayBuffer>): Promise<void> {
    const [begin] = this.#journal.bounds(piece);
    const isNew = this.#journal.digests[piece] === undefined;
    await this.#blob.write(begin, bytes);
    await this.#journal.record(piece, digest);
    if (isNew) this.#options.onBytes?.(bytes.byteLength);
    // Not waited for: a failure shows when the next run is asked for.
    void this.#follow().catch(() => undefined);
  }

  /** Takes the pieces that are next in order into the hash, as the disk gives them back. */
  #follow(): Promise<void> {
    const { digests, count } = this.#journal;
    this.#hashing = this.#hashing.then(async () => {
      while (this.#hash.pieces < count && digests[this.#hash.pieces] !== undefined) {
        const [begin, end] = this.#journal.bounds(this.#hash.pieces);
        this.#hash.add(await this.#blob.read(begin, end - begin));
      }
    });
    this.#hashing.catch(() => undefined);
    return this.#hashing;
  }

  #isRight(): boolean {
    return this.#hash.pieces === this.#journal.count && this.#hash.hex() === this.#remote.file.oid;
  }

  /**
   * The hash of the whole says that something is wrong, not what. A piece that the disk gives back otherwise than it
   * arrived is known by its digest, and fetched again alone. A piece that arrived wrong is known only by comparing:
   * parts are fetched a second time, those first that had trouble on their way, until the hash is right.
   */
  async #repair(): Promise<void> {
    const { digests, count } = this.#journal;
    const spoilt: number[] = [];
    for (const [piece, digest] of digests.entries()) {
      this.#options.signal?.throwIfAborted();
      if (digest && !(await this.#isOnDisk(piece, digest))) spoilt.push(piece);
    }
    for (const piece of spoilt) await this.#journal.forget(piece);
    await this.#replace(this.#parts(spoilt));
    if (spoilt.length > 0 && (await this.#rehash(spoilt))) return;
    const troubled = [...this.#troubled].filter((piece) => piece < count).sort((a, b) => a - b);
    const suspects = [...troubled.map((piece): [number, number] => [piece, piece + 1])];
    const others = [...digests.keys()].filter((piece) => !this.#troubled.has(piece));
    for (const part of [...suspects, ...this.#parts(others)]) {
      const changed = await this.#replace([part]);
      if (changed.length > 0 && (await this.#rehash(changed))) return;
    }
    const { path, oid } = this.#remote.file;
    throw new GraftError('hub.checksum', { file: path, host: this.#remote.host, expected: oid });
  }

  /** Fetches parts again and keeps what differs from what is there; the pieces that did. */
  async #replace(parts: [number, number][]): Promise<number[]> {
    const changed: number[] = [];
    for (const part of parts) {
      await this.#streamPieces(part, this.#options.signal, true, async (piece, bytes) => {
        const digest = await digestOf(bytes);
        const before = this.#journal.digests[piece];
        if (before && sameBytes(before, digest)) return;
        await this.#keep(piece, bytes, digest);
        changed.push(piece);
      });
    }
    return changed;
  }

  async #rehash(changed: readonly number[]): Promise<boolean> {
    await this.#hashing;
    this.#hash.goBack(Math.min(...changed));
    await this.#follow();
    return this.#isRight();
  }
}
