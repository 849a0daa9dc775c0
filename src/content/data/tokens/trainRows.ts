import { GraftError } from '../../../base/lib/errors.ts';
import { buildMicroBatch, type MicroBatch } from './microBatch.ts';
import { rowShapes, type RowShapes } from './rowShapes.ts';
import { rowLengths } from './tokenize.ts';
import { countTrainedTokens, countWeightedTokens, type TokenRows } from './tokenRows.ts';

/**
 * Rows whose tokens are read when they are due: what plans need of each is in memory, everything else on disk. Rows of
 * one sequence each, neither preferences nor prompts.
 */
export interface StreamedRows {
  readonly shapes: RowShapes;
  /** Tokens of all rows, and what `countTrainedTokens` and `countWeightedTokens` count. */
  readonly counts: TokenCounts;
  /** Identifies the rows: others have another one. */
  readonly digest: string;
  /** Where they are, for a run that is stored with them. */
  readonly place: RowsPlace;
  /** The rows of these numbers, in this order. Throws `data.shard_damaged`, and what reading throws. */
  read(rows: readonly number[]): Promise<TokenRows>;
}

/** The store of streamed rows, and those of its rows that are held out. */
export interface RowsPlace {
  store: string;
  heldOut: number[];
}

export interface TokenCounts {
  tokens: number;
  trained: number;
  weighted: number;
}

/** Rows to train on: in memory, or read as they are due. */
export type TrainRows = TokenRows | StreamedRows;

export function isStreamed(rows: TrainRows): rows is StreamedRows {
  return 'read' in rows;
}

/** [rows] length of each row in tokens. */
export function lengthsOf(rows: TrainRows): Uint32Array {
  return isStreamed(rows) ? rows.shapes.tokens : rowLengths(rows);
}

export function shapesOf(rows: TrainRows): RowShapes {
  return isStreamed(rows) ? rows.shapes : rowShapes(rows);
}

export function tokenCounts(rows: TrainRows): TokenCounts {
  if (isStreamed(rows)) return rows.counts;
  return {
    tokens: rows.ids.length,
    trained: countTrainedTokens(rows),
    weighted: countWeightedTokens(rows),
  };
}

/** Builds a micro-batch as {@link buildMicroBatch} does. The bits are the same wherever the rows are. */
export async function readMicroBatch(
  dataset: TrainRows,
  rows: readonly (readonly number[])[],
  maxLength = Infinity,
): Promise<MicroBatch> {
  if (!isStreamed(dataset)) return buildMicroBatch(dataset, rows, maxLength);
  const read = await dataset.read(rows.flat());
  let next = 0;
  return buildMicroBatch(
    read,
    rows.map((row) => row.map(() => next++)),
    maxLength,
  );
}

/**
 * Rows that are in memory. Throws `data.needs_memory` for others.
 * @param what needs them there
 */
export function rowsInMemory(rows: TrainRows, what: string): TokenRows {
  if (isStreamed(rows)) throw new GraftError('data.needs_memory', { what });
  return rows;
}
