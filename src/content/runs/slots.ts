import { concatBytes } from '../../base/lib/bytes.ts';
import { createContentHash, DIGEST_BYTES } from '../../base/lib/contentHash.ts';
import { GraftError } from '../../base/lib/errors.ts';
import type { Directory } from '../../base/storage/types.ts';
import { compareTerms, noTerm, parseTerm, termPattern, termSuffix, type Fence, type Term } from './fence.ts';
import { isMissing, isUnsteady, readSteadily } from './readSteadily.ts';

const MAGIC = new TextEncoder().encode('graftrs1');
/** Magic and the length of the text. */
const PREFIX = MAGIC.byteLength + 4;
/** The longest text that is read. */
const MAX_BYTES = 64 << 20;

/** A value as a slot has it. */
export interface SlotValue<T> {
  /** Of the owner who wrote it. */
  term: Term;
  /** Counts what was written. */
  sequence: number;
  value: T;
}

/** What the slots hold. */
export interface SlotsFound<T> {
  /** The newest first; none where nothing was ever written. */
  values: SlotValue<T>[];
  /**
   * Slots that may be newer than the newest value, with something in them that is no value: half written when the machine went
   * down, or damaged later.
   */
  unreadable: string[];
}

interface Slot {
  file: string;
  term: Term;
}

/** Attempts at reading while the owner removes slots of earlier terms. */
const ATTEMPTS = 5;

/**
 * A small JSON value that is never lost: it is written to two files in turn, each with its own checksum, so that a write
 * that is cut off harms only the value before the last. Nothing is renamed. The idea is that of LMDB's two meta pages.
 *
 * Each owner has two files of its own. A value of a later term is newer than any of an earlier one, so that what a stopped
 * owner writes when it wakes is never read; once both files of a term are written, those of earlier ones are removed.
 */
export class Slots<T> {
  readonly #directory: Directory;
  readonly #name: string;
  readonly #pattern: RegExp;
  readonly #parse: (json: unknown) => T;
  readonly #fence: Fence | null;
  /** The newest valid value; null before it was looked for. */
  #newest: (Slot & { sequence: number }) | null = null;
  /** Slots of this term that hold a value. */
  readonly #own = new Set<string>();
  #isAlone = false;

  /**
   * @param name of the files: `name.a`, `name.b`, `name.TERM.a`, …
   * @param parse checks what was read; a value that it throws at counts as damaged
   * @param fence of the owner who writes; null for a folder that nobody else knows, and to read
   */
  constructor(directory: Directory, name: string, parse: (json: unknown) => T, fence: Fence | null = null) {
    this.#directory = directory;
    this.#name = name;
    this.#pattern = new RegExp(`^${name}${termPattern}\\.[ab]$`);
    this.#parse = parse;
    this.#fence = fence;
  }

  /** Reads all slots. Throws only what reading throws other than that a file is missing or cut off. */
  async read(): Promise<SlotsFound<T>> {
    for (let attempt = 1; ; attempt++) {
      const found = await this.#readOnce();
      if (found || attempt === ATTEMPTS) return found ?? { values: [], unreadable: [] };
    }
  }

  /** Null where the owner has removed a slot meanwhile: there are newer ones. */
  async #readOnce(): Promise<SlotsFound<T> | null> {
    const values: (SlotValue<T> & Slot)[] = [];
    const unreadable: Slot[] = [];
    for (const slot of await this.#slots()) {
      const bytes = await this.#bytes(slot.file);
      if (bytes === 'gone') return null;
      if (bytes?.byteLength === 0) continue;
      const value = bytes && (await decode(bytes));
      const parsed = value && tryTo(() => this.#parse(value.value));
      if (parsed) values.push({ ...slot, sequence: value.sequence, value: parsed.result });
      else unreadable.push(slot);
    }
    values.sort((a, b) => compareTerms(b.term, a.term) || b.sequence - a.sequence);
    const [newest] = values;
    this.#newest = newest ?? { file: '', term: noTerm, sequence: 0 };
    return {
      values: values.map(({ term, sequence, value }) => ({ term, sequence, value })),
      unreadable: unreadable
        .filter(({ term }) => !newest || compareTerms(term, newest.term) >= 0)
        .map(({ file }) => file),
    };
  }

  /**
   * Writes a value and resolves when it is on disk, was read back, and is seen by whoever owns the run next. What goes wrong
   * leaves the value before it. Throws `runs.not_written`, `runs.taken_over`, and what the directory throws.
   */
  async write(value: T): Promise<void> {
    await this.#fence?.check();
    if (!this.#newest) await this.read();
    const { file: current, sequence } = this.#newest!;
    const term = this.#fence?.term ?? noTerm;
    const [first, second] = ['a', 'b'].map((slot) => `${this.#name}${termSuffix(term)}.${slot}`) as [
      string,
      string,
    ];
    const target = current === first ? second : first;
    const bytes = await encode({ sequence: sequence + 1, value });
    try {
      await this.#writeTo(target, bytes, sequence + 1);
    } catch (error) {
      // Whoever owns the run now may have removed the file meanwhile.
      await this.#fence?.check();
      throw error;
    }
    this.#newest = { file: target, term, sequence: sequence + 1 };
    // An owner that came meanwhile may have read before this was there.
    await this.#fence?.check();
    this.#own.add(target);
    if (this.#own.size === 2 && !this.#isAlone) await this.#removeEarlier(term);
  }

  async #writeTo(target: string, bytes: Uint8Array<ArrayBuffer>, sequence: number): Promise<void> {
    const file = await this.#directory.edit(target);
    try {
      await file.write(0, bytes);
      await file.flush();
      const size = await file.size();
      const back = size < bytes.byteLength ? null : await decode(await file.read(0, bytes.byteLength));
      if (back?.sequence !== sequence) throw new GraftError('runs.not_written', { file: target });
    } finally {
      await file.close();
    }
  }

  async #removeEarlier(term: Term): Promise<void> {
    const earlier = (await this.#slots()).filter((slot) => compareTerms(slot.term, term) < 0);
    for (const { file } of earlier) await this.#directory.remove(file).catch(() => undefined);
    this.#isAlone = true;
  }

  async #slots(): Promise<Slot[]> {
    return (await this.#directory.list()).flatMap((file) => {
      const match = this.#pattern.exec(file);
      return match ? [{ file, term: parseTerm(match[1]) }] : [];
    });
  }

  /** What is in a slot; null where it is there but cannot be read. */
  async #bytes(file: string): Promise<Uint8Array<ArrayBuffer> | null | 'gone'> {
    try {
      return await readSteadily(this.#directory, file, (source) =>
        source.read(0, Math.min(source.size, MAX_BYTES)),
      );
    } catch (error) {
      if (isMissing(error)) return 'gone';
      if (isUnsteady(error)) return null;
      throw error;
    }
  }
}

interface StoredValue {
  sequence: number;
  value: unknown;
}

/** Magic, length of the text, text, digest of all before. What an earlier, longer value has left behind it means nothing. */
async function encode(value: StoredValue): Promise<Uint8Array<ArrayBuffer>> {
  const text = new TextEncoder().encode(JSON.stringify(value));
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, text.byteLength, true);
  const signed = concatBytes([MAGIC, length, text]);
  return concatBytes([signed, await digestOf(signed)]);
}

async function decode(bytes: Uint8Array<ArrayBuffer>): Promise<StoredValue | null> {
  if (bytes.byteLength < PREFIX + DIGEST_BYTES || !MAGIC.every((byte, i) => byte === bytes[i])) return null;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(MAGIC.byteLength, true);
  const end = PREFIX + length;
  if (end + DIGEST_BYTES > bytes.byteLength) return null;
  const digest = await digestOf(bytes.subarray(0, end));
  if (!digest.every((byte, i) => byte === bytes[end + i])) return null;
  const value = tryTo(() => JSON.parse(new TextDecoder().decode(bytes.subarray(PREFIX, end))) as unknown);
  return isStoredValue(value?.result) ? value.result : null;
}

function isStoredValue(value: unknown): value is StoredValue {
  return (
    typeof value === 'object' &&
    value !== null &&
    'value' in value &&
    Number.isSafeInteger((value as StoredValue).sequence)
  );
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
