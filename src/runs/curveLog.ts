import { concatBytes } from '../lib/bytes.ts';
import type { Directory } from '../storage/types.ts';
import { crc32 } from './crc32.ts';
import { isMissing, readSteadily } from './readSteadily.ts';

/** What happened in a run, one thing a record. Steps are optimizer steps, from 1; times are milliseconds since 1970. */
export type CurveRecord =
  | {
      kind: 'step';
      step: number;
      at: number;
      /** Mean over the step's targets; NaN where it was not finite. */
      loss: number;
      gradNorm: number;
      lr: number;
      /** Supervised tokens, and all. */
      tokens: number;
      contextTokens: number;
      skipped: boolean;
    }
  | { kind: 'eval'; step: number; at: number; loss: number }
  | { kind: 'sample'; step: number; at: number; prompt: string; text: string }
  /** The run went on from the checkpoint of this step: what came after it before is of no account. */
  | { kind: 'resumed'; step: number; at: number };

export const curvesFile = 'curves.log';

/** What is written at once, and how long it may wait for it. */
const [MOST_PENDING, MOST_WAIT_MS] = [64 * 1024, 1000];

/** The curves of a run: what it has told, and how many records could not be read. */
export interface Curves {
  records: CurveRecord[];
  damaged: number;
}

/**
 * The curves of a run, in a file that only grows: one line a record, `CRC-32 in hex, space, JSON`. A line that a crash
 * has cut off is dropped, and so is any whose checksum is wrong.
 */
export class CurveLog {
  readonly #directory: Directory;
  readonly #now: () => number;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #writtenAt: number;
  /** Where the next record goes; null before that was looked for. */
  #end: number | null = null;
  #last: Promise<unknown> = Promise.resolve();

  constructor(directory: Directory, now: () => number = Date.now) {
    this.#directory = directory;
    this.#now = now;
    this.#writtenAt = now();
  }

  /** Adds a record. It is written within a second or so of others that follow, or by `flush`. Throws what `flush` throws. */
  async append(record: CurveRecord): Promise<void> {
    const line = encodeLine(record);
    this.#pending.push(line);
    this.#pendingBytes += line.byteLength;
    const due = this.#pendingBytes >= MOST_PENDING || this.#now() - this.#writtenAt >= MOST_WAIT_MS;
    if (due) await this.flush();
  }

  /** Resolves when all records so far are on disk. What cannot be written stays for the next time. Throws `storage.quota`. */
  flush(): Promise<void> {
    const run = this.#last.then(() => this.#flush());
    this.#last = run.catch(() => undefined);
    return run;
  }

  async #flush(): Promise<void> {
    this.#writtenAt = this.#now();
    const count = this.#pending.length;
    if (count === 0) return;
    const bytes = concatBytes(this.#pending);
    // Closed again each time: in some browsers nobody else can read a file that is open for writing.
    const file = await this.#directory.edit(curvesFile);
    try {
      this.#end ??= intactEnd(await file.read(0, await file.size()));
      await file.write(this.#end, bytes);
      await file.truncate(this.#end + bytes.byteLength);
      await file.flush();
    } finally {
      await file.close();
    }
    this.#end += bytes.byteLength;
    this.#pending = this.#pending.slice(count);
    this.#pendingBytes -= bytes.byteLength;
  }
}

/** What the log of a run holds, without what a resume has overtaken. A log that is not there is empty. */
export async function readCurves(directory: Directory): Promise<Curves> {
  return parseCurves(await curveBytes(directory));
}

/** The log as it is; empty where there is none. */
export async function curveBytes(directory: Directory): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await readSteadily(directory, curvesFile, (source) => source.read(0, source.size));
  } catch (error) {
    if (isMissing(error)) return new Uint8Array(0);
    throw error;
  }
}

/** The records of a log. A record `resumed` takes those of later steps away. */
export function parseCurves(bytes: Uint8Array): Curves {
  let records: CurveRecord[] = [];
  let damaged = 0;
  for (const { record } of lines(bytes)) {
    if (!record) damaged += 1;
    else {
      if (record.kind === 'resumed') records = records.filter(({ step }) => step <= record.step);
      records.push(record);
    }
  }
  return { records, damaged };
}

/** Where the last record that is whole ends: what stands after it is overwritten. */
function intactEnd(bytes: Uint8Array): number {
  let end = 0;
  for (const line of lines(bytes)) if (line.record) end = line.end;
  return end;
}

function encodeLine(record: CurveRecord): Uint8Array {
  // JSON has no NaN and no infinity; a loss may be either.
  const text = JSON.stringify(record, (_, value: unknown) =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value,
  );
  const json = new TextEncoder().encode(text);
  const sum = crc32(json).toString(16).padStart(8, '0');
  return concatBytes([new TextEncoder().encode(`${sum} `), json, new Uint8Array([NEWLINE])]);
}

const NEWLINE = 10;
/** Checksum and space. */
const PREFIX = 9;

function* lines(bytes: Uint8Array): Generator<{ record: CurveRecord | null; end: number }> {
  for (let at = 0; at < bytes.byteLength;) {
    const newline = bytes.indexOf(NEWLINE, at);
    const end = newline < 0 ? bytes.byteLength : newline + 1;
    yield { record: newline < 0 ? null : decodeLine(bytes.subarray(at, newline)), end };
    at = end;
  }
}

function decodeLine(line: Uint8Array): CurveRecord | null {
  const sum = new TextDecoder().decode(line.subarray(0, PREFIX));
  const json = line.subarray(PREFIX);
  if (!/^[0-9a-f]{8} $/.test(sum) || Number.parseInt(sum, 16) !== crc32(json)) return null;
  const numbers = new Set(['loss', 'gradNorm', 'lr']);
  return JSON.parse(new TextDecoder().decode(json), (key, value: unknown) =>
    numbers.has(key) && typeof value === 'string' ? Number(value) : value,
  ) as CurveRecord;
}
