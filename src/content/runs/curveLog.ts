import type { IHasher } from 'hash-wasm';
import * as v from 'valibot';
import { parseBoundedJson } from '../../base/lib/boundedJson.ts';
import { concatBytes } from '../../base/lib/bytes.ts';
import { createCrc32, takeCrc32 } from '../../base/lib/crc32.ts';
import { serial } from '../../base/lib/serial.ts';
import type { Directory } from '../../base/storage/types.ts';
import { compareTerms, noTerm, parseTerm, termPattern, termSuffix, type Fence } from './fence.ts';
import { isMissing, readSteadily } from './readSteadily.ts';

/** Mean rewards of a step; null where it had no such answers. */
export interface StepRewards {
  chosen: number | null;
  rejected: number | null;
  margin: number | null;
  accuracy: number | null;
}

/** What a step of GRPO says of its sampled completions. */
export interface StepCompletions {
  reward: number | null;
  rewardStd: number | null;
  rewards: Record<string, number | null>;
  kl: number | null;
  length: number;
  cut: number;
  clipRatio: number;
  withoutSpread: number;
}

/** An event of a run. Steps are optimizer steps, from 1; times are milliseconds since 1970. */
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
      /** Of preference data. */
      rewards?: StepRewards | undefined;
      /** Of sampled completions. */
      completions?: StepCompletions | undefined;
    }
  /** @param reward mean of the likeliest answers, where answers are rewarded: the loss is minus that */
  | { kind: 'eval'; step: number; at: number; loss: number; reward?: number | undefined }
  | { kind: 'sample'; step: number; at: number; prompt: string; text: string }
  /** The run resumed from the checkpoint of this step: earlier records of later steps no longer count. */
  | { kind: 'resumed'; step: number; at: number };

/** JSON has no NaN and no infinity: they are written as text. */
const real = v.union([
  v.number(),
  v.pipe(
    v.picklist(['NaN', 'Infinity', '-Infinity']),
    v.transform((text) => Number(text)),
  ),
]);
const reward = v.nullable(real);
const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const place = { step: whole, at: v.number() };
const recordSchema = v.variant('kind', [
  v.object({
    kind: v.literal('step'),
    ...place,
    loss: real,
    gradNorm: real,
    lr: real,
    tokens: v.number(),
    contextTokens: v.number(),
    skipped: v.boolean(),
    rewards: v.optional(v.object({ chosen: reward, rejected: reward, margin: reward, accuracy: reward })),
    completions: v.optional(
      v.object({
        reward,
        rewardStd: reward,
        rewards: v.record(v.string(), reward),
        kl: reward,
        length: real,
        cut: real,
        clipRatio: real,
        withoutSpread: real,
      }),
    ),
  }),
  v.object({ kind: v.literal('eval'), ...place, loss: real, reward: v.optional(real) }),
  v.object({ kind: v.literal('sample'), ...place, prompt: v.string(), text: v.string() }),
  v.object({ kind: v.literal('resumed'), ...place }),
]) satisfies v.GenericSchema<unknown, CurveRecord>;

/** The curves of a run in an export, and in runs before they had terms. */
export const curvesFile = 'curves.log';

const curvesPattern = new RegExp(`^curves${termPattern}\\.log$`);

/** Bytes that are written at once, and how long they may wait. */
const [MAX_PENDING, MAX_WAIT_MS] = [64 * 1024, 1000];

/** The curves of a run, and how many records could not be read. */
export interface Curves {
  records: CurveRecord[];
  damaged: number;
}

/**
 * The curves of a run, in files that only grow, one for each owner: one line a record, `CRC-32 in hex, space, JSON`. A line
 * that a crash has cut off is dropped, and so is any whose checksum is wrong. What an owner adds that has lost its run is
 * overtaken by the record `resumed` that the next one begins with.
 */
export class CurveLog {
  readonly #directory: Directory;
  readonly #now: () => number;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #writtenAt: number;
  /** The offset of the next record; null before it was found. */
  #end: number | null = null;
  readonly #inTurn = serial();
  readonly #crc = createCrc32();

  readonly #file: string;
  readonly #fence: Fence | null;

  /** @param fence of the run's owner; null for a folder that nobody else knows */
  constructor(directory: Directory, now: () => number = Date.now, fence: Fence | null = null) {
    this.#directory = directory;
    this.#fence = fence;
    this.#file = `curves${termSuffix(fence?.term ?? noTerm)}.log`;
    this.#now = now;
    this.#writtenAt = now();
  }

  /** Adds a record. It is written within a second or so of others that follow, or by `flush`. Throws what `flush` throws. */
  append(record: CurveRecord): Promise<void> {
    return this.#inTurn(async () => {
      const line = encodeLine(record, await this.#crc);
      this.#pending.push(line);
      this.#pendingBytes += line.byteLength;
      const due = this.#pendingBytes >= MAX_PENDING || this.#now() - this.#writtenAt >= MAX_WAIT_MS;
      if (due) await this.#flush();
    });
  }

  /** Resolves when all records so far are on disk. What cannot be written stays pending. Throws `storage.quota`, `runs.taken_over`. */
  flush(): Promise<void> {
    return this.#inTurn(() => this.#flush());
  }

  async #flush(): Promise<void> {
    this.#writtenAt = this.#now();
    const count = this.#pending.length;
    if (count === 0) return;
    await this.#fence?.check();
    const bytes = concatBytes(this.#pending);
    // Closed again each time: in some browsers a file that is open for writing cannot be read elsewhere.
    const file = await this.#directory.edit(this.#file);
    try {
      this.#end ??= intactEnd(await file.read(0, await file.size()), await this.#crc);
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

/** The records of a run's log, without those that a resume has overtaken. A missing log is empty. */
export async function readCurves(directory: Directory): Promise<Curves> {
  return parseCurves(await curveBytes(directory), await createCrc32());
}

/** The bytes of all logs, of the first owner's first; empty where there are none. */
export async function curveBytes(directory: Directory): Promise<Uint8Array<ArrayBuffer>> {
  const logs = (await listed(directory)).flatMap((file) => {
    const match = curvesPattern.exec(file);
    return match ? [{ file, term: parseTerm(match[1]) }] : [];
  });
  logs.sort((a, b) => compareTerms(a.term, b.term));
  const crc = await createCrc32();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for (const [index, { file }] of logs.entries()) {
    const bytes = await readSteadily(directory, file, (source) => source.read(0, source.size));
    // What a crash has cut off at the end of a term counts as never written, as its own owner would have overwritten it.
    parts.push(index === logs.length - 1 ? bytes : bytes.subarray(0, intactEnd(bytes, crc)));
  }
  return concatBytes(parts);
}

async function listed(directory: Directory): Promise<string[]> {
  return directory.list().catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
}

/** The records of a log. A record `resumed` removes those of later steps; from step 0, all: what precedes the first step comes again. */
function parseCurves(bytes: Uint8Array, crc: IHasher): Curves {
  let records: CurveRecord[] = [];
  let damaged = 0;
  for (const { record } of lines(bytes, crc)) {
    if (!record) damaged += 1;
    else {
      if (record.kind === 'resumed')
        records = records.filter(({ step }) => record.step > 0 && step <= record.step);
      records.push(record);
    }
  }
  return { records, damaged };
}

/** Where the last intact record ends: what follows is overwritten. */
function intactEnd(bytes: Uint8Array, crc: IHasher): number {
  let end = 0;
  for (const line of lines(bytes, crc)) if (line.record) end = line.end;
  return end;
}

/** A record as a line of JSON, which has no NaN and no infinity: a loss may be either. */
export function curveJson(record: CurveRecord): string {
  return JSON.stringify(record, (_, value: unknown) =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value,
  );
}

/** The record in a line of JSON; null where it is none. */
export function curveOfJson(text: string): CurveRecord | null {
  try {
    return v.parse(recordSchema, parseBoundedJson(text));
  } catch {
    return null;
  }
}

function encodeLine(record: CurveRecord, crc: IHasher): Uint8Array {
  const json = new TextEncoder().encode(curveJson(record));
  const sum = takeCrc32(crc.update(json)).toString(16).padStart(8, '0');
  return concatBytes([new TextEncoder().encode(`${sum} `), json, new Uint8Array([NEWLINE])]);
}

const NEWLINE = 10;
/** Checksum and space. */
const PREFIX = 9;

function* lines(bytes: Uint8Array, crc: IHasher): Generator<{ record: CurveRecord | null; end: number }> {
  for (let at = 0; at < bytes.byteLength;) {
    const newline = bytes.indexOf(NEWLINE, at);
    const end = newline < 0 ? bytes.byteLength : newline + 1;
    yield { record: newline < 0 ? null : decodeLine(bytes.subarray(at, newline), crc), end };
    at = end;
  }
}

function decodeLine(line: Uint8Array, crc: IHasher): CurveRecord | null {
  const sum = new TextDecoder().decode(line.subarray(0, PREFIX));
  const json = line.subarray(PREFIX);
  if (!/^[0-9a-f]{8} $/.test(sum) || Number.parseInt(sum, 16) !== takeCrc32(crc.update(json))) return null;
  // Of an imported run it may be none: whoever wrote it knew the checksum.
  return curveOfJson(new TextDecoder().decode(json));
}
