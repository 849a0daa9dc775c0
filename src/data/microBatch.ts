import { IGNORED } from './tokenizedRow.ts';
import type { TokenRows } from './tokenRows.ts';

/**
 * Rows for one forward and backward pass, without padding: all rows lie one after another on one token axis of
 * length T, each its own segment, so that attention stays within a row whether or not rows were packed together.
 */
export interface MicroBatch {
  /** [T] token ids. */
  tokens: Uint32Array;
  /** [T] position within the segment, from 0. */
  positions: Uint32Array;
  /** [T] index of the first token of the token's segment. */
  segmentStart: Uint32Array;
  /** [T] index after the last token of the token's segment. */
  segmentEnd: Uint32Array;
  /** [R] token index t whose next token t+1, of the same segment, is trained. */
  targetRows: Uint32Array;
  /** [R] the id to predict there. */
  targetIds: Uint32Array;
  /** [R] what the loss there counts; null where each counts 1. */
  targetWeights: Float32Array | null;
  /** Number of segments: dataset rows in the batch. */
  rows: number;
}

/** Lays dataset rows out as a micro-batch. `rows` lists rows, each a list of dataset rows packed together. */
export function buildMicroBatch(dataset: TokenRows, rows: readonly (readonly number[])[]): MicroBatch {
  const { ids, labels, weights, offsets } = dataset;
  const segments = rows.flat();
  const length = segments.reduce(
    (sum, row) => sum + (offsets[row + 1] as number) - (offsets[row] as number),
    0,
  );
  const tokens = new Uint32Array(length);
  const positions = new Uint32Array(length);
  const segmentStart = new Uint32Array(length);
  const segmentEnd = new Uint32Array(length);
  const targetRows: number[] = [];
  const targetIds: number[] = [];
  const targetWeights: number[] = [];

  let at = 0;
  for (const row of segments) {
    const from = offsets[row] as number;
    const count = (offsets[row + 1] as number) - from;
    tokens.set(ids.subarray(from, from + count), at);
    segmentStart.fill(at, at, at + count);
    segmentEnd.fill(at + count, at, at + count);
    for (let i = 0; i < count; i++) {
      positions[at + i] = i;
      // The shift: a token's label is predicted at the token before it.
      const next = i + 1 < count ? (labels[from + i + 1] as number) : IGNORED;
      if (next === IGNORED) continue;
      targetRows.push(at + i);
      targetIds.push(next);
      if (weights) targetWeights.push(weights[from + i + 1] as number);
    }
    at += count;
  }
  return {
    tokens,
    positions,
    segmentStart,
    segmentEnd,
    targetRows: Uint32Array.from(targetRows),
    targetIds: Uint32Array.from(targetIds),
    targetWeights: weights && Float32Array.from(targetWeights),
    rows: segments.length,
  };
}
