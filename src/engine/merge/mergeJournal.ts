import * as v from 'valibot';
import { concatBytes } from '../../base/lib/bytes.ts';
import { GraftError } from '../../base/lib/errors.ts';
import { isPlainFileName } from '../../base/lib/fileName.ts';
import { sameBytes } from '../../base/storage/pieceJournal.ts';
import { writeBytes } from '../../content/formats/text.ts';
import type { RandomAccessFile } from '../../base/storage/types.ts';
import { createContentHash, DIGEST_BYTES, takeDigest } from '../../base/lib/contentHash.ts';
import type { MergeFolder } from './mergeFolder.ts';

/** The journal's file name, next to an unfinished merge. */
export const journalFile = 'graft-merge.unfinished';

const MAGIC = new TextEncoder().encode('graftmj1');
/** Bytes of the magic and of the head's length. */
const PREFIX = MAGIC.byteLength + 4;
/** Maximum size of a head: enough for the names of some hundred thousand shards. */
const MAX_HEAD = 16 << 20;

/** Maximum number of pieces: those of some terabytes. */
const MAX_PIECES = 1 << 21;

/** Number of times the journal is written during a merge. */
const NOTES = 128;

/** The merge, and the files it will consist of. */
export interface JournalHead {
  /** Identifies the job (`jobFingerprint`): pieces of other jobs cannot be used. */
  fingerprint: string;
  /** All files that the merge writes. */
  files: string[];
  /** The weights, and the number of pieces of each file. */
  shards: { file: string; pieces: number }[];
}

const headSchema = v.object({
  fingerprint: v.string(),
  files: v.array(v.string()),
  shards: v.array(v.object({ file: v.string(), pieces: v.pipe(v.number(), v.safeInteger(), v.minValue(0)) })),
});

/**
 * What an unfinished merge has written: the job, and a digest for each piece of weights. The head is on disk before any
 * piece. The digests are only a claim, since nothing is flushed in any particular order: after a crash each piece is
 * read back.
 */
export class MergeJournal {
  readonly head: JournalHead;
  readonly #destination: MergeFolder;
  /** For folders where pieces can be recorded one by one. */
  readonly #file: RandomAccessFile | null;
  readonly #start: number;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  /** The byte range that was recorded but is not on disk yet. */
  #noted: [from: number, to: number] = [Infinity, 0];
  #closed = false;

  private constructor(
    destination: MergeFolder,
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

  /** Reads the journal of an earlier start; null if there is none, or only an incomplete one. */
  static async read(destination: MergeFolder): Promise<MergeJournal | null> {
    if (!(await destination.list()).includes(journalFile)) return null;
    const file = (await destination.edit?.(journalFile)) ?? null;
    try {
      const bytes = file ? await file.read(0, await file.size()) : await readWhole(destination);
      const head = await parseHead(bytes);
      if (head) return new MergeJournal(destination, file, head.head, head.end, wholeOf(bytes, head));
    } catch (error) {
      await file?.close();
      throw error;
    }
    await file?.close();
    return null;
  }

  /** Creates a journal; it is on disk when this resolves. */
  static async create(destination: MergeFolder, head: JournalHead): Promise<MergeJournal> {
    const encoded = await encodeHead(head);
    // Allocates all records at the start: a write within a file is cheaper than one that extends it.
    const bytes = wholeOf(encoded, { head, end: encoded.byteLength });
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

  /** The digest a piece was written with; null if it was not. */
  digest(shard: number, piece: number): Uint8Array<ArrayBuffer> | null {
    const at = this.#place(shard, piece);
    const digest = this.#bytes.slice(at, at + DIGEST_BYTES);
    // Gaps read as zeros.
    return digest.byteLength === DIGEST_BYTES && digest.some((byte) => byte !== 0) ? digest : null;
  }

  /**
   * Records a piece that was written. Where small writes are expensive, records are batched: an interrupted merge
   * repeats up to a percent of its work.
   */
  async record(shard: number, piece: number, digest: Uint8Array<ArrayBuffer>): Promise<void> {
    const at = this.#place(shard, piece);
    this.#bytes.set(digest, at);
    this.#noted[0] = Math.min(this.#noted[0], at);
    this.#noted[1] = Math.max(this.#noted[1], at + DIGEST_BYTES);
    if (this.#noted[1] - this.#noted[0] >= (this.#bytes.byteLength - this.#start) / NOTES)
      await this.#write();
  }

  /** Writes the records to disk. */
  async save(): Promise<void> {
    await this.#write();
    if (this.#file) await this.#file.flush();
    else await writeBytes(this.#destination, journalFile, this.#bytes);
  }

  /** Leaves the journal for the next start. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    // What cannot be recorded is computed again.
    await this.#write().catch(() => undefined);
    await this.#file?.close();
  }

  /** Removes the journal: the merge is complete, or given up. */
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
    const before = piecesOf(this.head.shards.slice(0, shard));
    return this.#start + (before + piece) * DIGEST_BYTES;
  }
}

async function readWhole(destination: MergeFolder): Promise<Uint8Array<ArrayBuffer>> {
  const source = await destination.open(journalFile);
  return source.read(0, source.size);
}

function piecesOf(shards: JournalHead['shards']): number {
  return shards.reduce((sum, { pieces }) => sum + pieces, 0);
}

/** A journal with room for all its records: a write that was interrupted may have left the head with some of them. */
function wholeOf(
  bytes: Uint8Array,
  { head, end }: { head: JournalHead; end: number },
): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(end + piecesOf(head.shards) * DIGEST_BYTES);
  whole.set(bytes.subarray(0, whole.byteLength));
  return whole;
}

async function encodeHead(head: JournalHead): Promise<Uint8Array<ArrayBuffer>> {
  const json = new TextEncoder().encode(JSON.stringify(head));
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, json.byteLength, true);
  return concatBytes([MAGIC, length, json, await digestOf(json)]);
}

/** Parses the head, and where it ends; null if it is truncated, in which case nothing else was written. */
async function parseHead(bytes: Uint8Array): Promise<{ head: JournalHead; end: number } | null> {
  if (bytes.byteLength < PREFIX || !sameBytes(bytes.subarray(0, MAGIC.byteLength), MAGIC)) return null;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(MAGIC.byteLength, true);
  if (length > MAX_HEAD || bytes.byteLength < PREFIX + length + DIGEST_BYTES) return null;
  const json = bytes.subarray(PREFIX, PREFIX + length);
  const end = PREFIX + length + DIGEST_BYTES;
  if (!sameBytes(bytes.subarray(PREFIX + length, end), await digestOf(json))) return null;
  const head = headOf(new TextDecoder().decode(json));
  if (!head) return null;
  // It names files that may be removed.
  const bad = head.files.find((file) => !isPlainFileName(file));
  if (bad !== undefined) throw new GraftError('storage.bad_name', { file: bad.slice(0, 200) });
  return { head, end };
}

/** Null for what is no head: there is nothing to resume. */
function headOf(text: string): JournalHead | null {
  try {
    const head = v.parse(headSchema, JSON.parse(text));
    return piecesOf(head.shards) <= MAX_PIECES ? head : null;
  } catch {
    return null;
  }
}

async function digestOf(bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const hasher = await createContentHash();
  hasher.update(bytes);
  return takeDigest(hasher);
}
