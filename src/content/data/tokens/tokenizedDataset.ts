import type { Problem } from '../files/problems.ts';
import type { PreferenceColumn } from './preferenceColumn.ts';

/** All rows' tokens in one array; row `i` is [offsets[i], offsets[i+1]). */
export interface TokenizedDataset {
  ids: Int32Array;
  /** Aligned with `ids`: the id itself where the token is trained, −100 where not. Batches do the shift. */
  labels: Int32Array;
  /** Aligned with `labels`: what the loss of each counts, ≥ 0; null where each counts 1. */
  weights: Float32Array | null;
  /** [rows + 1] */
  offsets: Uint32Array;
  /** [rows] line of the file each row came from. */
  lines: Uint32Array;
  /** How many parsed rows there were, and [rows] the index among them that each came from. */
  parsedRows: number;
  sources: Uint32Array;
  /** [rows] tokens before the row was cut, and how many of those cut off would have been trained. */
  lengths: Uint32Array;
  lost: Uint32Array;
  /** [rows] earlier answers left untrained because the chat template rewrites them. */
  skipped: Uint32Array;
  /** [rows] which of {@link noteCodes} the row has, a bit each; tokens of thoughts that the template leaves out. */
  notes: Uint8Array;
  droppedThoughts: Uint32Array;
  /** What rows are to preference training; absent in other data. */
  preference?: PreferenceColumn;
  /** [rows] what the rewards of a row's completions compare with, as JSON; absent in data with answers to train on. */
  references?: readonly string[];
  /** Rows cut to the maximum length, and how many tokens that cost. */
  truncated: number;
  truncatedTokens: number;
  /** Tokens with a label that is predicted (all but each row's first). */
  trainedTokens: number;
  /** The sum of `skipped`. */
  skippedTurns: number;
  /** Rows left out, at most the first 1000, and their number. */
  problems: Problem[];
  problemCount: number;
}
