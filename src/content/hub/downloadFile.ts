import { GraftError } from '../../base/lib/errors.ts';
import type { RandomAccessFile } from '../../base/storage/types.ts';
import { RangesIgnored } from './answers.ts';
import type { BlobStore } from './blobStore.ts';
import { digestOf, PieceJournal, sameBytes } from '../../base/storage/pieceJournal.ts';
import type { RemoteFile } from './remoteFile.ts';
import { WholeHash } from './wholeHash.ts';

export interface DownloadOptions {
  signal?: AbortSignal;
  /** Number of concurrent requests. */
  parallel?: number;
  /** Maximum bytes per request. */
  partBytes?: number;
  /** Called with numbers of bytes that are on disk; those of an earlier download are reported at once. */
  onBytes?: (bytes: number) => void;
}

const PARALLEL = 4;
const PART_BYTES = 16 << 20;
const MIN_PART_BYTES = 1 << 20;

/**
 * Downloads a file in LFS into the store, resuming an earlier download, and commits it if its SHA-256 matches the Hub's
 * listing. Received data stays after a failure or abort. Throws `hub.*`, `storage.*`, and the signal's reason.
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
    // Allocate the full size first, so that a lack of space shows immediately.
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
  /** Pieces during which a connection was cut or an answer was wrong: the first suspects. */
  readonly #suspects = new Set<number>();

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
    await this.#advanceHash();
    if (!this.#isRight()) await this.#repair();
  }

  /** Finds the pieces of an earlier download that are intact on disk; all others are discarded. */
  async #checkEarlier(): Promise<void> {
    const { digests } = this.#journal;
    for (const [piece, digest] of digests.entries()) {
      if (digest === undefined) continue;
      this.#options.signal?.throwIfAborted();
      const [begin, end] = this.#journal.bounds(piece);
      if (await this.#isOnDisk(piece, digest)) this.#options.onBytes?.(end - begin);
      else await this.#journal.forget(piece);
    }
    void this.#advanceHash();
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
      // One stream from the start; pieces already present are skipped.
      await this.#fetch([0, this.#journal.count], this.#options.signal, true);
    }
  }

  /** Runs of pieces, one request each: [first, one after the last]. */
  #parts(pieces: readonly number[]): [first: number, end: number][] {
    const { parallel = PARALLEL, partBytes = PART_BYTES } = this.#options;
    const even = Math.max(MIN_PART_BYTES, this.#remote.file.size / parallel);
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
    acceptsWhole: boolean,
  ): Promise<void> {
    await this.#streamPieces([first, last], signal, acceptsWhole, async (piece, bytes) => {
      if (this.#journal.digests[piece] === undefined) await this.#store(piece, bytes, await digestOf(bytes));
    });
  }

  /** Collects received bytes into pieces. */
  async #streamPieces(
    [first, last]: [number, number],
    signal: AbortSignal | undefined,
    acceptsWhole: boolean,
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
      this.#suspects.add(Math.floor(at / pieceBytes));
    };
    if (start < stop) await this.#remote.stream(start, stop, deliver, { signal, acceptsWhole, onCut });
  }

  async #store(
    piece: number,
    bytes: Uint8Array<ArrayBuffer>,
    digest: Uint8Array<ArrayBuffer>,
  ): Promise<void> {
    const [begin] = this.#journal.bounds(piece);
    const isNew = this.#journal.digests[piece] === undefined;
    await this.#blob.write(begin, bytes);
    await this.#journal.record(piece, digest);
    if (isNew) this.#options.onBytes?.(bytes.byteLength);
    // Not awaited: a failure shows when the next run is requested.
    void this.#advanceHash().catch(() => undefined);
  }

  /** Adds the next pieces in order to the hash, as read back from disk. */
  #advanceHash(): Promise<void> {
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
   * Repairs a file whose hash is wrong. The hash does not say where: a piece that the disk corrupted is found by its
   * digest and fetched again alone. A piece that arrived corrupt is only found by comparison: parts are fetched a
   * second time, those whose connection had trouble first, until the hash is right.
   */
  async #repair(): Promise<void> {
    const { digests, count } = this.#journal;
    const corrupt: number[] = [];
    for (const [piece, digest] of digests.entries()) {
      this.#options.signal?.throwIfAborted();
      if (digest && !(await this.#isOnDisk(piece, digest))) corrupt.push(piece);
    }
    for (const piece of corrupt) await this.#journal.forget(piece);
    await this.#replace(this.#parts(corrupt));
    if (corrupt.length > 0 && (await this.#rehash(corrupt))) return;
    const first = [...this.#suspects].filter((piece) => piece < count).sort((a, b) => a - b);
    const suspects = first.map((piece): [number, number] => [piece, piece + 1]);
    const others = [...digests.keys()].filter((piece) => !this.#suspects.has(piece));
    for (const part of [...suspects, ...this.#parts(others)]) {
      const changed = await this.#replace([part]);
      if (changed.length > 0 && (await this.#rehash(changed))) return;
    }
    const { path, oid } = this.#remote.file;
    throw new GraftError('hub.checksum', { file: path, host: this.#remote.host, expected: oid });
  }

  /** Fetches parts again and writes the pieces that differ; returns those. */
  async #replace(parts: [number, number][]): Promise<number[]> {
    const changed: number[] = [];
    for (const part of parts) {
      await this.#streamPieces(part, this.#options.signal, true, async (piece, bytes) => {
        const digest = await digestOf(bytes);
        const before = this.#journal.digests[piece];
        if (before && sameBytes(before, digest)) return;
        await this.#store(piece, bytes, digest);
        changed.push(piece);
      });
    }
    return changed;
  }

  async #rehash(changed: readonly number[]): Promise<boolean> {
    await this.#hashing;
    this.#hash.rewind(Math.min(...changed));
    await this.#advanceHash();
    return this.#isRight();
  }
}
