import { GraftError, type ErrorCode } from '../lib/errors.ts';
import { checkChatml } from './chatmlMask.ts';
import { fieldPath } from './fieldPath.ts';
import { detectFormat, toConversation, type Conversation, type RowFormat } from './formats.ts';
import { labelTokens, type LabeledTokens, type LabelOptions } from './mask.ts';
import type { ParsedDataset, Row } from './parse.ts';
import { MAX_KEPT_PROBLEMS, ProblemLog, type Problem } from './problems.ts';
import { defaultReading, type Reading } from './reading.ts';
import { noteBits, type RowNotes } from './rowNotes.ts';
import { checkTemplate } from './template.ts';
import { IGNORED } from './tokenizedRow.ts';
import { layWeights, type PlacedWeights } from './tokenWeights.ts';
import { checkTokenizerFits, type Tokenizer } from './tokenizer.ts';
import { turnsApart } from './turnsApart.ts';

export { lengthHistogram, previewRow, type LengthHistogram, type PreviewPiece } from './preview.ts';
export { IGNORED } from './tokenizedRow.ts';

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

export interface TokenizeOptions extends Partial<Reading> {
  /** Default: detected. */
  format?: RowFormat;
  tokenizer: Tokenizer | null;
  /** Rows are cut to this many tokens. */
  maxLength: number;
  /** Rows of the model's embedding: no id may reach it. */
  vocabSize: number;
  /** The date templates see; default today. */
  now?: Date;
  /** Throw the first problem instead of leaving its row out. */
  strict?: boolean;
  onProgress?: (done: number, total: number) => void;
  /** Called before each row. */
  onRow?: (line: number) => void;
}

/**
 * Tokenizes a dataset with its label mask. Rows that can't be trained on are left out and reported by line.
 * Throws `data.only_preferences`, `data.no_tokenizer`, `data.tokenizer_mismatch`, `data.template_invalid`, `data.no_chatml`,
 * `data.unknown_format`, `data.all_masked` or `data.no_valid_rows` when no row is left; in strict mode any problem.
 */
export function tokenizeDataset(parsed: ParsedDataset, options: TokenizeOptions): TokenizedDataset {
  return notEmpty(tokenizeRows(parsed, options), parsed.name);
}

/** {@link tokenizeDataset} of some of a dataset's rows: that none is left is no error of theirs. */
export function tokenizeRows(
  parsed: Pick<ParsedDataset, 'name' | 'rows'>,
  options: TokenizeOptions,
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
  // One date for the whole dataset, even when midnight passes.
  const now = options.now ?? new Date();
  const log = new ProblemLog(file, options.strict);
  const ids = new IntBuffer();
  const labels = new IntBuffer();
  const weights: PlacedWeights[] = [];
  const offsets = [0];
  const lines: number[] = [];
  const sources: number[] = [];
  const lengths: number[] = [];
  const lost: number[] = [];
  const skipped: number[] = [];
  const notes: number[] = [];
  const droppedThoughts: number[] = [];
  let trainedTokens = 0;

  for (const [i, row] of parsed.rows.entries()) {
    if (onProgress && i % 256 === 0) onProgress(i, parsed.rows.length);
    options.onRow?.(row.line);
    const read = () => {
      const conversation = toConversation(row, format, { chosenOnly: reading.preferenceData === 'chosen' });
      const parts = reading.splitTurns ? turnsApart(conversation, reading.mask) : [conversation];
      return parts.map((part) => {
        const tokens = encodeRow(tokenizer, part, { ...reading, now }, row, format);
        return cutRow(checkRow(tokens, part, { tokenizer, maxLength, vocabSize }), maxLength);
      });
    };
    for (const encoded of log.attempt(row.line, read, i) ?? []) {
      trainedTokens += encoded.trained;
      ids.push(encoded.ids, encoded.kept);
      labels.push(encoded.labels, encoded.kept);
      if (encoded.weights) weights.push({ at: offsets.at(-1)!, weights: encoded.weights });
      offsets.push(ids.length);
      lines.push(row.line);
      sources.push(i);
      lengths.push(encoded.length);
      lost.push(encoded.lost);
      skipped.push(encoded.skipped);
      notes.push(noteBits(encoded.notes));
      droppedThoughts.push(encoded.notes?.droppedThoughtTokens ?? 0);
    }
  }
  onProgress?.(parsed.rows.length, parsed.rows.length);
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
    truncated: lengths.filter((length) => length > maxLength).length,
    truncatedTokens: lengths.reduce((sum, length) => sum + Math.max(0, length - maxLength), 0),
    trainedTokens,
    skippedTurns: skipped.reduce((sum, count) => sum + count, 0),
    problems: log.kept,
    problemCount: log.count,
  };
}

/** Gives `dataset` back. Throws `data.only_preferences`, `data.all_masked` or `data.no_valid_rows` when no row of it is left. */
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

/** What a dataset has a number of for each row, which goes wherever the row goes. */
export const rowColumns = ['lines', 'lengths', 'lost', 'skipped', 'notes', 'droppedThoughts'] as const;

/** Datasets end to end, as one. */
export function joinTokenized(parts: readonly TokenizedDataset[]): TokenizedDataset {
  const sum = (count: (part: TokenizedDataset) => number) =>
    parts.reduce((all, part) => all + count(part), 0);
  const tokens = sum(({ ids }) => ids.length);
  const rows = sum(({ lines }) => lines.length);
  const joined = {
    ids: new Int32Array(tokens),
    labels: new Int32Array(tokens),
    weights: layWeights(placedOf(parts), tokens),
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
    for (const problem of part.problems.slice(0, MAX_KEPT_PROBLEMS - problems.length)) {
      problems.push(problem.row === undefined ? problem : { ...problem, row: first + problem.row });
    }
    for (const [i, offset] of offsets.entries()) joined.offsets[row + i] = token + offset;
    token += ids.length;
    row += lines.length;
    first += part.parsedRows;
  }
  return {
    ...joined,
    parsedRows: first,
    truncated: sum(({ truncated }) => truncated),
    truncatedTokens: sum(({ truncatedTokens }) => truncatedTokens),
    trainedTokens: sum(({ trainedTokens }) => trainedTokens),
    skippedTurns: sum(({ skippedTurns }) => skippedTurns),
    problems,
    problemCount: sum(({ problemCount }) => problemCount),
  };
}

/** The weights of datasets that lie end to end. */
function placedOf(parts: readonly TokenizedDataset[]): PlacedWeights[] {
  let at = 0;
  return parts.map(({ ids, weights }) => ({ at: (at += ids.length) - ids.length, weights }));
}

/** Lengths of the rows in tokens, [rows]. */
export function rowLengths(dataset: Pick<TokenizedDataset, 'offsets'>): Uint32Array {
  const { offsets } = dataset;
  return Uint32Array.from(
    { length: offsets.length - 1 },
    (_, i) => (offsets[i + 1] as number) - (offsets[i] as number),
  );
}

/** A row's tokens cut to the maximum length, and what that cost. */
interface CutRow {
  ids: readonly number[];
  labels: readonly number[];
  /** Of the tokens kept; null where each counts 1. */
  weights: readonly number[] | null;
  kept: number;
  length: number;
  trained: number;
  lost: number;
  skipped: number;
  notes: RowNotes | undefined;
}

function cutRow({ ids, labels, weights, skippedTurns, notes }: LabeledTokens, maxLength: number): CutRow {
  const trained = trainedCount(labels, maxLength);
  return {
    ...{ ids, labels, trained, length: ids.length, skipped: skippedTurns, notes },
    kept: Math.min(ids.length, maxLength),
    weights: weights?.some((weight) => weight !== 1) ? weights.slice(0, maxLength) : null,
    lost: trainedCount(labels, labels.length) - trained,
  };
}

function encodeRow(
  tokenizer: Tokenizer | null,
  conversation: Conversation,
  options: LabelOptions,
  { line, value }: Row,
  format: RowFormat,
): LabeledTokens {
  if ('inputIds' in conversation) {
    const { inputIds: ids, labels, weights } = conversation;
    return { ids, labels, ...(weights && { weights }), skippedTurns: 0 };
  }
  if (!tokenizer) throw new Error('internal: text rows without a tokenizer');
  try {
    return labelTokens(tokenizer, conversation, options);
  } catch (error) {
    if (!(error instanceof GraftError)) throw error;
    const { code, params } = error;
    if (code === 'data.template_refused') {
      throw new GraftError('data.row_refused', { line, ...params }, { cause: error });
    }
    // The template knows names of its own; the row says it by another.
    if ((code !== 'data.no_place' && code !== 'data.no_template') || typeof format === 'object') throw error;
    throw new GraftError(
      code,
      { ...params, field: fieldPath(value, format, String(params.field)) },
      { cause: error },
    );
  }
}

/** Checks that a row has tokens, all in the vocabulary, and one to train within the maximum length. */
function checkRow(
  tokens: LabeledTokens,
  conversation: Conversation,
  { tokenizer, maxLength, vocabSize }: Pick<TokenizeOptions, 'tokenizer' | 'maxLength' | 'vocabSize'>,
): LabeledTokens {
  const { ids, labels } = tokens;
  if (ids.length === 0) throw new GraftError('data.empty_row');
  const beyond = 'inputIds' in conversation ? undefined : ids.find((id) => id >= vocabSize);
  if (beyond !== undefined) {
    const token = tokenizer?.tokenOf(beyond) ?? '?';
    throw new GraftError('data.token_beyond_model', { token, id: beyond, vocabSize });
  }
  for (const [field, values] of [
    ['input_ids', ids],
    ['labels', labels],
  ] as const) {
    const index = values.findIndex((id) => id >= vocabSize);
    if (index < 0) continue;
    const expected = `a token id below ${vocabSize}, the model’s vocab_size`;
    throw new GraftError('data.bad_ids', { field, index, found: values[index] ?? 0, expected });
  }
  if (trainedCount(labels, ids.length) === 0) {
    throw new GraftError('data.no_trained_tokens', { detail: whyUntrained(conversation) });
  }
  if (trainedCount(labels, maxLength) === 0) {
    throw new GraftError('data.cut_away', { maxLength, length: ids.length });
  }
  return tokens;
}

/** Labels that are predicted: the first token of a row has nothing before it to be predicted from. */
function trainedCount(labels: readonly number[], length: number): number {
  let count = 0;
  for (let i = 1; i < Math.min(length, labels.length); i++) if (labels[i] !== IGNORED) count++;
  return count;
}

function whyUntrained(conversation: Conversation): string {
  if ('inputIds' in conversation) return 'all labels after the first are −100';
  if ('messages' in conversation && !conversation.messages.some(({ role }) => role === 'assistant')) {
    return 'the conversation has no answer of the assistant';
  }
  const weights =
    'messages' in conversation ? conversation.messages.map(({ weight }) => weight) : [conversation.weight];
  return weights.includes(0) ? 'its weights are 0' : 'its answer is empty';
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
