import { concatBytes } from '../lib/bytes.ts';
import { GraftError } from '../lib/errors.ts';
import { isPlainFileName } from '../lib/fileName.ts';
import { sameBytes } from '../hub/pieceJournal.ts';
import { writeBytes } from '../formats/text.ts';
import type { RandomAccessFile } from '../storage/types.ts';
import { createContentHash, DIGEST_BYTES, takeDigest } from '../lib/contentHash.ts';
import type { MergeDestination } from './destination.ts';

/** The file that stands beside an unfinished merge. */
export const journalFile = 'graft-merge.unfinished';

const MAGIC = new TextEncoder().encode('graftmj1');
/** Magic and length of the head. */
const PREFIX = MAGIC.byteLength + 4;
/** The longest head that is read: names of some hundred thousand shards. */
const MOST_HEAD = 16 << 20;

/** How often it goes to disk in a merge. */
const NOTES = 128;

/** What is being merged, and the files it will be. */
export interface JournalHead {
  /** Of the job: see `jobFingerprint`. Another job's pieces are of no use. */
  fingerprint: string;
  /** Every file that the merge writes. */
  files: string[];
  /** The weights, and how many pieces each has. */
  shards: { file: string; pieces: number }[];
}

/**
 * What an unfinished merge has written: the job, and a digest for each piece of weights. The head is on disk before any
 * piece. The digests are only a claim, since nothing is flushed in any order: after a crash each piece is read back.
 */
export class MergeJournal {
  readonly head: JournalHead;
  readonly #destination: MergeDestination;
  /** Where pieces can be recorded one by one. */
  readonly #file: RandomAccessFile | null;
  readonly #start: number;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  /** What was recorded and is not on disk: from one byte to another. */
  #noted: [from: number, to: number] = [Infinity, 0];
  #closed = false;

  private constructor(
    destination: MergeDestination,
    file: RandomAccessFile | null,
    head: JournalHead,
    start: number,
    bytes: Uint8Array<ArrayBuffer>,
  ) {
    this.#destination = destination;
    this.#file = file;
    this.head = head;
    this.#start = start;
    this.#bytes = bytes;
  }

  /** The journal that an earlier start has left; null where there is none, or none that was ever whole. */
  static async read(destination: MergeDestination): Promise<MergeJournal | null> {
    if (!(await destination.list()).includes(journalFile)) return null;
    const file = (await destination.edit?.(journalFile)) ?? null;
    try {
      const bytes = file ? await file.read(0, await file.size()) : await readWhole(destination);
      const head = await parseHead(bytes);
      if (head) return new MergeJournal(destination, file, head.head, head.end, bytes);
    } catch (error) {
      await file?.close();
      throw error;
    }
    await file?.close();
    return null;
  }

  /** Begins a journal, which is on disk when this resolves. */
  static async create(destination: MergeDestination, head: JournalHead): Promise<MergeJournal> {
    const encoded = await encodeHead(head);
    // With room for every note from the start: a write within a file is cheaper than one that makes it longer.
    const notes = head.shards.reduce((sum, { pieces }) => sum + pieces, 0);
    const bytes = concatBytes([encoded, new Uint8Array(notes * DIGEST_BYTES)]);
    const file = (await destination.edit?.(journalFile)) ?? null;
    const journal = new MergeJournal(destination, file, head, encoded.byteLength, bytes);
    try {
      await file?.truncate(0);
      await file?.write(0, bytes);
      await journal.save();
    } catch (error) {
      await file?.close();
      throw error;
    }
    return journal;
  }

  /** The digest that a piece was written with; null where it was not. */
  digest(shard: number, piece: number): Uint8Array<ArrayBuffer> | null {
    const at = this.#place(shard, piece);
    const digest = this.#bytes.slice(at, at + DIGEST_BYTES);
    // A gap reads as zeros.
    return digest.byteLength === DIGEST_BYTES && digest.some((byte) => byte !== 0) ? digest : null;
  }

  /**
   * Notes a piece that was written. Not every note goes to disk at once, where small writes are dear: a merge that is
   * cut off makes up to a percent again.
   */
  async record(shard: number, piece: number, digest: Uint8Array<ArrayBuffer>): Promise<void> {
    const at = this.#place(shard, piece);
    this.#bytes.set(digest, at);
    this.#noted[0] = Math.min(this.#noted[0], at);
    this.#noted[1] = Math.max(this.#noted[1], at + DIGEST_BYTES);
    if (this.#noted[1] - this.#noted[0] >= (this.#bytes.byteLength - this.#start) / NOTES)
      await this.#write();
  }

  /** Puts what was recorded on disk. */
  async save(): Promise<void> {
    await this.#write();
    if (this.#file) await this.#file.flush();
    else await writeBytes(this.#destination, journalFile, this.#bytes);
  }

  /** Leaves the journal for the next start. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    // What cannot be noted is made again.
    await this.#write().catch(() => undefined);
    await this.#file?.close();
  }

  /** The merge is whole, or given up. */
  async remove(): Promise<void> {
    await this.close();
    await this.#destination.remove(journalFile);
  }

  async #write(): Promise<void> {
    const [from, to] = this.#noted;
    this.#noted = [Infinity, 0];
    if (from < to) await this.#file?.write(from, this.#bytes.slice(from, to));
  }

  #place(shard: number, piece: number): number {
    const before = this.head.shards.slice(0, shard).reduce((sum, { pieces }) => sum + pieces, 0);
    return this.#start + (before + piece) * DIGEST_BYTES;
  }
}

async function readWhole(destination: MergeDestination): Promise<Uint8Array<ArrayBuffer>> {
  const source = await destination.open(journalFile);
  return source.read(0, source.size);
}

async function encodeHead(head: JournalHead): Promise<Uint8Array<ArrayBuffer>> {
  const json = new TextEncoder().encode(JSON.stringify(head));
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, json.byteLength, true);
  return concatBytes([MAGIC, length, json, await digestOf(json)]);
}

/** The head and where it ends; null where it was cut off: then nothing else was written. */
async function parseHead(bytes: Uint8Array): Promise<{ head: JournalHead; end: number } | null> {
  if (bytes.byteLength < PREFIX || !sameBytes(bytes.subarray(0, MAGIC.byteLength), MAGIC)) return null;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(MAGIC.byteLength, true);
  if (length > MOST_HEAD || bytes.byteLength < PREFIX + length + DIGEST_BYTES) return null;
  const json = bytes.subarray(PREFIX, PREFIX + length);
  const end = PREFIX + length + DIGEST_BYTES;
  if (!sameBytes(bytes.subarray(PREFIX + length, end), await digestOf(json))) return null;
  const head = JSON.parse(new TextDecoder().decode(json)) as JournalHead;
  // It names files that may be removed.
  const bad = head.files.find((file) => !isPlainFileName(file));
  if (bad !== undefined) throw new GraftError('storage.bad_name', { file: bad.slice(0, 200) });
  return { head, end };
}

async function digestOf(bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const hasher = await createContentHash();
  hasher.update(bytes);
  return takeDigest(hasher);
}
