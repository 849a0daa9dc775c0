import { concatBytes } from '../lib/bytes.ts';
import { createContentHash, DIGEST_BYTES } from '../lib/contentHash.ts';
import { GraftError } from '../lib/errors.ts';
import type { Directory } from '../storage/types.ts';
import { isMissing, isUnsteady, readSteadily } from './readSteadily.ts';

const MAGIC = new TextEncoder().encode('graftrs1');
/** Magic and the length of the text. */
const PREFIX = MAGIC.byteLength + 4;
/** The longest text that is read. */
const MOST_BYTES = 64 << 20;

/** A value as one of its two slots has it. */
export interface SlotValue<T> {
  /** Counts what was written: the higher is the newer. */
  sequence: number;
  value: T;
}

/** What the two slots hold. */
export interface SlotsFound<T> {
  /** The newest first: two, one, or none where nothing was ever written. */
  values: SlotValue<T>[];
  /** Slots with something in them that is no value: half written when the machine went down, or damaged later. */
  unreadable: string[];
}

/**
 * A small JSON value that is never lost: it is written to two files in turn, each with its own checksum, so that a write
 * that is cut off harms only the value before the last. Nothing is renamed. The idea is that of LMDB's two meta pages.
 */
export class Slots<T> {
  readonly #directory: Directory;
  readonly #files: readonly [string, string];
  readonly #parse: (json: unknown) => T;
  /** Where the newest valid value is; null before it was looked for. */
  #newest: { file: string; sequence: number } | null = null;

  /**
   * @param name of the two files: `name.a`, `name.b`
   * @param parse checks what was read; a value that it throws at counts as damaged
   */
  constructor(directory: Directory, name: string, parse: (json: unknown) => T) {
    this.#directory = directory;
    this.#files = [`${name}.a`, `${name}.b`];
    this.#parse = parse;
  }

  /** Reads both slots. Throws only what reading throws other than that a file is missing or cut off. */
  async read(): Promise<SlotsFound<T>> {
    const found: SlotsFound<T> = { values: [], unreadable: [] };
    const places = new Map<number, string>();
    for (const file of this.#files) {
      const bytes = await this.#bytes(file);
      if (bytes?.byteLength === 0) continue;
      const value = bytes && (await decode(bytes));
      const parsed = value && tryTo(() => this.#parse(value.value));
      if (!parsed) found.unreadable.push(file);
      else {
        found.values.push({ sequence: value.sequence, value: parsed.result });
        places.set(value.sequence, file);
      }
    }
    found.values.sort((a, b) => b.sequence - a.sequence);
    const sequence = found.values[0]?.sequence ?? 0;
    this.#newest = { file: places.get(sequence) ?? this.#files[1], sequence };
    return found;
  }

  /**
   * Writes a value and resolves when it is on disk and was read back. What goes wrong leaves the value before it.
   * Throws `runs.not_written`, and what the directory throws.
   */
  async write(value: T): Promise<void> {
    if (!this.#newest) await this.read();
    const { file: current, sequence } = this.#newest!;
    const target = current === this.#files[0] ? this.#files[1] : this.#files[0];
    const bytes = await encode({ sequence: sequence + 1, value });
    const file = await this.#directory.edit(target);
    try {
      await file.write(0, bytes);
      await file.flush();
      const size = await file.size();
      const back = size < bytes.byteLength ? null : await decode(await file.read(0, bytes.byteLength));
      if (back?.sequence !== sequence + 1) throw new GraftError('runs.not_written', { file: target });
    } finally {
      await file.close();
    }
    this.#newest = { file: target, sequence: sequence + 1 };
  }

  /** What is in a slot; null where it is there but cannot be read. */
  async #bytes(file: string): Promise<Uint8Array<ArrayBuffer> | null> {
    try {
      return await readSteadily(this.#directory, file, (source) =>
        source.read(0, Math.min(source.size, MOST_BYTES)),
      );
    } catch (error) {
      if (isMissing(error)) return new Uint8Array(0);
      if (isUnsteady(error)) return null;
      throw error;
    }
  }
}

/** Magic, length of the text, text, digest of all before. What an earlier, longer value has left behind it means nothing. */
async function encode(value: SlotValue<unknown>): Promise<Uint8Array<ArrayBuffer>> {
  const text = new TextEncoder().encode(JSON.stringify(value));
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, text.byteLength, true);
  const signed = concatBytes([MAGIC, length, text]);
  return concatBytes([signed, await digestOf(signed)]);
}

async function decode(bytes: Uint8Array<ArrayBuffer>): Promise<SlotValue<unknown> | null> {
  if (bytes.byteLength < PREFIX + DIGEST_BYTES || !MAGIC.every((byte, i) => byte === bytes[i])) return null;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(MAGIC.byteLength, true);
  const end = PREFIX + length;
  if (end + DIGEST_BYTES > bytes.byteLength) return null;
  const digest = await digestOf(bytes.subarray(0, end));
  if (!digest.every((byte, i) => byte === bytes[end + i])) return null;
  return JSON.parse(new TextDecoder().decode(bytes.subarray(PREFIX, end))) as SlotValue<unknown>;
}

let shared: ReturnType<typeof createContentHash> | null = null;

async function digestOf(bytes: Uint8Array): Promise<Uint8Array> {
  shared ??= createContentHash();
  // Nothing is awaited while it is in use.
  return (await shared).init().update(bytes).digest('binary');
}

function tryTo<R>(work: () => R): { result: R } | null {
  try {
    return { result: work() };
  } catch {
    return null;
  }
}
