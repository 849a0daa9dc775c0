import { createSHA256 } from 'hash-wasm';
import { IGNORED } from '../data/labels/tokenizedRow.ts';
import type { StepPlan } from '../data/tokens/batches.ts';
import type { TokenRow, TokenRows } from '../data/tokens/tokenRows.ts';
import { writeBytes } from '../formats/text.ts';
import type { JobSink } from './jobFolder.ts';
import { tableBytes, type JobRow, type TableShape } from './jobTable.ts';

/** Tokens of a file of `rows/`, after which the next step begins another. */
const SHARD_TOKENS = 2 << 20;

/** What a step is trained on. */
export interface StepRows {
  step: number;
  /** Rows, packed ones counted as one, and targets. */
  rows: number;
  targets: number;
  /** SHA-256 of ids, labels and weights of its rows in order, as 32-bit little-endian numbers, in hex. */
  sha256: string;
}

/**
 * Writes what is left of a run: `rows/NNNNN.parquet` in the order in which it is trained on, and `done.parquet` with the
 * rows of the data set that no later step takes, so that the two are all of them.
 * @param from steps done
 */
export async function writeRows(
  sink: JobSink,
  dataset: TokenRows,
  plan: StepPlan,
  { from, packed }: { from: number; packed: boolean },
): Promise<StepRows[]> {
  const shape: TableShape = { placed: true, packed, weighted: dataset.weights !== null };
  const left = new Uint8Array(dataset.offsets.length - 1).fill(1);
  const steps: StepRows[] = [];
  const shard: JobRow[] = [];
  let [tokens, shards] = [0, 0];
  const flush = async (): Promise<void> => {
    if (shard.length === 0) return;
    const path = `rows/${String(shards++).padStart(5, '0')}.parquet`;
    await writeBytes(sink, path, await tableBytes(shard, shape));
    shard.length = tokens = 0;
  };
  for (let step = from + 1; step <= plan.steps; step++) {
    const rows = plan
      .step(step - 1)
      .flatMap((batch, micro) => batch.map((members) => jobRow(dataset, members, { step, micro }, packed)));
    for (const { rows: members, ids } of rows) {
      for (const row of members) left[row] = 0;
      tokens += ids.length;
    }
    steps.push({
      step,
      rows: rows.length,
      targets: rows.reduce((sum, row) => sum + targetsOf(row), 0),
      sha256: await digestOf(rows),
    });
    shard.push(...rows);
    if (tokens >= SHARD_TOKENS) await flush();
  }
  await flush();
  const done = [...left.keys()].filter((row) => left[row] === 1);
  if (done.length > 0) await writeTable(sink, 'done.parquet', dataset, done);
  return steps;
}

/** Writes some rows of a data set as they are. */
export async function writeTable(
  sink: JobSink,
  path: string,
  dataset: TokenRows,
  rows: readonly number[] = Array.from({ length: dataset.offsets.length - 1 }, (_, row) => row),
): Promise<void> {
  const shape: TableShape = { placed: false, packed: false, weighted: dataset.weights !== null };
  const table = rows.map((row) => jobRow(dataset, [row], null, false));
  await writeBytes(sink, path, await tableBytes(table, shape));
}

/** Rows of a data set as one: the rows that are packed together, or one by itself. */
function jobRow(
  { ids, labels, weights, offsets }: TokenRows,
  rows: readonly number[],
  place: JobRow['place'],
  packed: boolean,
): JobRow {
  const spans = rows.map((row) => [offsets[row]!, offsets[row + 1]!] as const);
  const joined = (values: Int32Array | Float32Array): number[] =>
    spans.flatMap(([start, end]) => Array.from(values.subarray(start, end)));
  const each = (of: (segment: number, at: number) => number): number[] =>
    spans.flatMap(([start, end], segment) => Array.from({ length: end - start }, (_, at) => of(segment, at)));
  return {
    place,
    rows,
    ids: joined(ids),
    labels: joined(labels),
    weights: weights && joined(weights),
    packed: packed ? { positions: each((_, at) => at), segments: each((segment) => segment) } : null,
  };
}

/** Targets of a row: labels whose token has another of the same row before it. */
function targetsOf({ labels, packed }: JobRow): number {
  let count = 0;
  for (let i = 0; i < labels.length; i++)
    if (labels[i] !== IGNORED && (packed ? packed.positions[i]! > 0 : i > 0)) count++;
  return count;
}

async function digestOf(rows: readonly TokenRow[]): Promise<string> {
  const hasher = await createSHA256();
  for (const { ids, labels, weights } of rows) {
    hasher.update(new Uint8Array(Int32Array.from(ids).buffer));
    hasher.update(new Uint8Array(Int32Array.from(labels).buffer));
    if (weights) hasher.update(new Uint8Array(Float32Array.from(weights).buffer));
  }
  return hasher.digest('hex');
}
