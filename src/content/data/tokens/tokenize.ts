import { GraftError, type ErrorCode } from '../../../base/lib/errors.ts';
import { checkChatml } from '../labels/chatmlMask.ts';
import { detectFormat, type RowFormat } from '../rows/formats.ts';
import type { ParsedDataset } from '../files/parse.ts';
import { MAX_PROBLEMS, ProblemLog, type Problem } from '../files/problems.ts';
import { defaultReading, type Reading } from '../../../base/config/reading.ts';
import { noteBits } from '../checks/rowNotes.ts';
import { checkTemplate } from '../template/template.ts';
import { columnOf, markOf, type PreferenceMark } from './preferenceColumn.ts';
import { tokensOfRow } from './rowTokens.ts';
import { referencesOf } from './tokenRows.ts';
import { layWeights, type WeightPiece } from './tokenWeights.ts';
import { checkTokenizerFits, type Tokenizer } from '../tokenizer/tokenizer.ts';
import type { TokenizedDataset } from './tokenizedDataset.ts';

export { lengthHistogram, previewRow, type LengthHistogram, type PreviewPiece } from '../checks/preview.ts';
export { IGNORED } from '../labels/tokenizedRow.ts';

export interface TokenizeDatasetOptions extends Partial<Reading> {
  /** Default: detected. */
  format?: RowFormat;
  tokenizer: Tokenizer | null;
  /** Maximum length in tokens; longer rows are truncated. */
  maxLength: number;
  /** Rows of the model's embedding: ids must be below it. */
  vocabSize: number;
  /** The date that templates see; default today. */
  now?: Date;
  /** Throw on the first problem instead of dropping its row. */
  strict?: boolean;
  onProgress?: (done: number, total: number) => void;
  /** Called before each row. */
  onRow?: (line: number) => void;
}

/**
 * Tokenizes a dataset with its label mask. Rows that can't be trained on are dropped and reported with their lines.
 * Throws `data.only_preferences`, `data.no_tokenizer`, `data.tokenizer_mismatch`, `data.template_invalid`,
 * `data.no_chatml`, `data.unknown_format`, `data.all_masked`, or `data.no_valid_rows` if no row is left; in strict mode
 * any problem.
 */
export function tokenizeDataset(parsed: ParsedDataset, options: TokenizeDatasetOptions): TokenizedDataset {
  return notEmpty(tokenizeRows(parsed, options), parsed.name);
}

/** {@link tokenizeDataset} for some of a dataset's rows, where it is not an error if none is left. */
export function tokenizeRows(
  parsed: Pick<ParsedDataset, 'name' | 'rows'>,
  options: TokenizeDatasetOptions,
): TokenizedDataset {
  const { tokenizer, maxLength, vocabSize, onProgress } = options;
  const reading = { ...defaultReading, ...options };
  const file = parsed.name;
  const format = options.format ?? detectFormat(parsed.rows, file);
  if (format !== 'tokenized') {
    if (!tokenizer) throw new GraftError('data.no_tokenizer', { file });
    checkTokenizerFits(tokenizer, vocabSize);
    checkTemplate(tokenizer);
    if (reading.mask === 'chatml' && format !== 'text') checkChatml(tokenizer);
  }
  // One date for the whole dataset, even across midnight.
  const now = options.now ?? new Date();
  const log = new ProblemLog(file, options.strict);
  const ids = new IntBuffer();
  const labels = new IntBuffer();
  const weights: WeightPiece[] = [];
  const offsets = [0];
  const lines: number[] = [];
  const sources: number[] = [];
  const lengths: number[] = [];
  const lost: number[] = [];
  const skipped: number[] = [];
  const notes: number[] = [];
  const droppedThoughts: number[] = [];
  const marks: (PreferenceMark | undefined)[] = [];
  const references: (string | undefined)[] = [];
  const how = { tokenizer, maxLength, vocabSize, reading, now };
  let trainedTokens = 0;

  for (const [i, row] of parsed.rows.entries()) {
    if (onProgress && i % 256 === 0) onProgress(i, parsed.rows.length);
    options.onRow?.(row.line);
    for (const encoded of log.attempt(row.line, () => tokensOfRow(row, format, how), i) ?? []) {
      trainedTokens += encoded.trained;
      ids.push(encoded.ids, encoded.keptLength);
      labels.push(encoded.labels, encoded.keptLength);
      if (encoded.weights) weights.push({ at: offsets.at(-1)!, weights: encoded.weights });
      offsets.push(ids.length);
      lines.push(row.line);
      sources.push(i);
      lengths.push(encoded.length);
      lost.push(encoded.lost);
      skipped.push(encoded.skipped);
      notes.push(noteBits(encoded.notes));
      droppedThoughts.push(encoded.notes?.droppedThoughtTokens ?? 0);
      marks.push(encoded.mark);
      references.push(encoded.reference);
    }
  }
  onProgress?.(parsed.rows.length, parsed.rows.length);
  const cutTokens = lengths.map((length, row) => length - (offsets[row + 1]! - offsets[row]!));
  return {
    ids: ids.take(),
    labels: labels.take(),
    weights: layWeights(weights, ids.length),
    offsets: Uint32Array.from(offsets),
    lines: Uint32Array.from(lines),
    parsedRows: parsed.rows.length,
    sources: Uint32Array.from(sources),
    lengths: Uint32Array.from(lengths),
    lost: Uint32Array.from(lost),
    skipped: Uint32Array.from(skipped),
    notes: Uint8Array.from(notes),
    droppedThoughts: Uint32Array.from(droppedThoughts),
    ...columnOf(marks),
    ...referencesOf(references),
    truncated: cutTokens.filter((count) => count > 0).length,
    truncatedTokens: cutTokens.reduce((sum, count) => sum + count, 0),
    trainedTokens,
    skippedTurns: skipped.reduce((sum, count) => sum + count, 0),
    problems: log.problems,
    problemCount: log.count,
  };
}

/**
 * Returns `dataset` unless it is empty. Throws `data.only_preferences`, `data.all_masked` or `data.no_valid_rows` if no
 * row is left.
 */
export function notEmpty(dataset: TokenizedDataset, file: string): TokenizedDataset {
  const { lines, problems, problemCount: count } = dataset;
  if (lines.length > 0) return dataset;
  if (problems.every(({ code }) => PREFERENCE.includes(code))) {
    throw new GraftError('data.only_preferences', { file, count });
  }
  const allMasked = problems.every(({ code }) => MASKED.includes(code));
  const first = problems[0]?.message ?? '';
  throw new GraftError(allMasked ? 'data.all_masked' : 'data.no_valid_rows', { file, count, first });
}

/** The per-row columns of a dataset, which are selected along with the rows. */
export const rowColumns = ['lines', 'lengths', 'lost', 'skipped', 'notes', 'droppedThoughts'] as const;

/** Concatenates datasets. */
export function joinTokenized(parts: readonly TokenizedDataset[]): TokenizedDataset {
  const sum = (count: (part: TokenizedDataset) => number) =>
    parts.reduce((all, part) => all + count(part), 0);
  const tokens = sum(({ ids }) => ids.length);
  const rows = sum(({ lines }) => lines.length);
  const joined = {
    ids: new Int32Array(tokens),
    labels: new Int32Array(tokens),
    weights: layWeights(weightPieces(parts), tokens),
    offsets: new Uint32Array(rows + 1),
    lines: new Uint32Array(rows),
    sources: new Uint32Array(rows),
    lengths: new Uint32Array(rows),
    lost: new Uint32Array(rows),
    skipped: new Uint32Array(rows),
    notes: new Uint8Array(rows),
    droppedThoughts: new Uint32Array(rows),
  };
  const problems: Problem[] = [];
  let [token, row, first] = [0, 0, 0];
  for (const part of parts) {
    const { ids, labels, offsets, lines } = part;
    joined.ids.set(ids, token);
    joined.labels.set(labels, token);
    for (const key of rowColumns) joined[key].set(part[key], row);
    for (const [i, source] of part.sources.entries()) joined.sources[row + i] = first + source;
    for (const problem of part.problems.slice(0, MAX_PROBLEMS - problems.length)) {
      problems.push(problem.row === undefined ? problem : { ...problem, row: first + problem.row });
    }
    for (const [i, offset] of offsets.entries()) joined.offsets[row + i] = token + offset;
    token += ids.length;
    row += lines.length;
    first += part.parsedRows;
  }
  return {
    ...joined,
    ...columnOf(
      parts.flatMap(({ lines, preference }) => [...lines].map((_, row) => markOf(preference, row))),
    ),
    ...referencesOf(parts.flatMap(({ lines, references }) => [...lines].map((_, row) => references?.[row]))),
    parsedRows: first,
    truncated: sum(({ truncated }) => truncated),
    truncatedTokens: sum(({ truncatedTokens }) => truncatedTokens),
    trainedTokens: sum(({ trainedTokens }) => trainedTokens),
    skippedTurns: sum(({ skippedTurns }) => skippedTurns),
    problems,
    problemCount: sum(({ problemCount }) => problemCount),
  };
}

/** The weights of concatenated datasets. */
function weightPieces(parts: readonly TokenizedDataset[]): WeightPiece[] {
  let at = 0;
  return parts.map(({ ids, weights }) => ({ at: (at += ids.length) - ids.length, weights }));
}

/** [rows] lengths of the rows in tokens. */
export function rowLengths(dataset: Pick<TokenizedDataset, 'offsets'>): Uint32Array {
  const { offsets } = dataset;
  return Uint32Array.from(
    { length: offsets.length - 1 },
    (_, i) => (offsets[i + 1] as number) - (offsets[i] as number),
  );
}

const PREFERENCE: readonly ErrorCode[] = ['data.preference_pair', 'data.preference_label'];
const MASKED: readonly ErrorCode[] = ['data.no_trained_tokens', 'data.cut_away', 'data.empty_row'];

/** A growing Int32Array. */
class IntBuffer {
  length = 0;
  private data = new Int32Array(1 << 16);

  push(values: readonly number[], count: number): void {
    if (this.length + count > this.data.length) {
      const grown = new Int32Array(Math.max(this.data.length * 2, this.length + count));
      grown.set(this.data);
      this.data = grown;
    }
    for (let i = 0; i < count; i++) this.data[this.length + i] = values[i] as number;
    this.length += count;
  }

  take(): Int32Array {
    return this.data.slice(0, this.length);
  }
}
