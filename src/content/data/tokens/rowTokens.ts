import type { Reading } from '../../../base/config/reading.ts';
import { GraftError } from '../../../base/lib/errors.ts';
import type { RowNotes } from '../checks/rowNotes.ts';
import type { Row } from '../files/row.ts';
import { labelTokens, type LabeledTokens, type LabelOptions } from '../labels/mask.ts';
import { turnRows } from '../labels/splitTurns.ts';
import { IGNORED } from '../labels/tokenizedRow.ts';
import { preferenceRows } from '../rows/answers.ts';
import { fieldPath } from '../rows/fieldPath.ts';
import { toConversation, type Conversation, type RowFormat } from '../rows/formats.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { stopIds } from '../labels/turnEnd.ts';
import { promptRow, referenceText } from '../rows/promptRows.ts';
import { chatPrompt } from '../template/prompt.ts';
import type { PreferenceMark } from './preferenceColumn.ts';
import { markOfTokens, preferenceTokens, type PreferenceTokens } from './preferenceTokens.ts';

/** A row's tokens truncated to the maximum length, with counts of what was removed. */
export interface CutRow {
  ids: readonly number[];
  labels: readonly number[];
  /** Of the remaining tokens; null if all are 1. */
  weights: readonly number[] | null;
  keptLength: number;
  length: number;
  trained: number;
  lost: number;
  skipped: number;
  notes: RowNotes | undefined;
  /** What it is to preference training. */
  mark?: PreferenceMark;
  /** Of a prompt: what the rewards of its completions compare with. */
  reference?: string;
}

/** How rows become tokens. */
export interface RowTokenOptions {
  tokenizer: Tokenizer | null;
  /** Maximum length in tokens of a sequence; longer ones are truncated. */
  maxLength: number;
  /** Rows of the model's embedding: ids must be below it. */
  vocabSize: number;
  reading: Reading;
  now: Date;
}

/** The rows of tokens that a row of a file becomes: one, or one for each turn or answer. Throws `data.*`. */
export function tokensOfRow(row: Row, format: RowFormat, options: RowTokenOptions): CutRow[] {
  const { tokenizer, maxLength, reading, now } = options;
  const { objective } = reading;
  const labeling = { ...reading, now };
  if (objective === 'grpo') return [promptTokens(row, format, options)];
  if (objective !== 'sft') {
    return preferenceRows(row, format, objective).map((one) =>
      joined(
        named(row, format, () => preferenceTokens(one, objective, { ...options, labeling })),
        options,
      ),
    );
  }
  const conversation = toConversation(row, format, { chosenOnly: reading.preferenceData === 'chosen' });
  const parts = reading.splitTurns ? turnRows(conversation, reading.mask) : [conversation];
  return parts.map((part) => {
    const tokens = named(row, format, () => encodeRow(tokenizer, part, labeling));
    return cutRow(checkRow(tokens, part, options), maxLength);
  });
}

/** The prompt of a row, up to where its answer begins. Throws `data.prompt_too_long`, and as `promptRow`. */
function promptTokens(row: Row, format: RowFormat, options: RowTokenOptions): CutRow {
  const { tokenizer, maxLength, vocabSize, reading } = options;
  if (!tokenizer) throw new GraftError('data.no_prompt');
  return named(row, format, () => {
    const { prompt, reference } = promptRow(row, format);
    const ids = chatPrompt(tokenizer, prompt.messages, { ...reading.templateArgs, ...prompt.templateArgs });
    if (ids.length === 0) throw new GraftError('data.empty_row');
    checkIds(ids, tokenizer, vocabSize);
    // An answer needs room for a token at least.
    if (ids.length >= maxLength)
      throw new GraftError('data.prompt_too_long', { maxLength, length: ids.length });
    return {
      ids,
      labels: ids.map(() => IGNORED),
      weights: null,
      keptLength: ids.length,
      length: ids.length,
      trained: 0,
      lost: 0,
      skipped: 0,
      notes: undefined,
      reference: referenceText({ ...reference, endIds: stopIds(tokenizer) }),
    };
  });
}

function cutRow({ ids, labels, weights, skippedTurns, notes }: LabeledTokens, maxLength: number): CutRow {
  const trained = trainedCount(labels, maxLength);
  return {
    ids,
    labels,
    trained,
    length: ids.length,
    skipped: skippedTurns,
    notes,
    keptLength: Math.min(ids.length, maxLength),
    weights: weights?.some((weight) => weight !== 1) ? weights.slice(0, maxLength) : null,
    lost: trainedCount(labels, labels.length) - trained,
  };
}

/** The sequences of a row of preference data, one after the other. */
function joined(
  tokens: PreferenceTokens,
  { tokenizer, vocabSize }: Pick<RowTokenOptions, 'tokenizer' | 'vocabSize'>,
): CutRow {
  const ids = tokens.sequences.flatMap((sequence) => sequence.ids);
  const labels = tokens.sequences.flatMap((sequence) => sequence.labels);
  checkIds(ids, tokenizer, vocabSize);
  const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);
  return {
    ids,
    labels,
    weights: null,
    keptLength: ids.length,
    length: sum(tokens.lengths),
    trained: trainedCount(labels, labels.length),
    lost: sum(tokens.lost),
    skipped: 0,
    notes: tokens.notes,
    mark: markOfTokens(tokens),
  };
}

function encodeRow(
  tokenizer: Tokenizer | null,
  conversation: Conversation,
  options: LabelOptions,
): LabeledTokens {
  if ('inputIds' in conversation) {
    const { inputIds: ids, labels, weights } = conversation;
    return { ids, labels, ...(weights && { weights }), skippedTurns: 0 };
  }
  if (!tokenizer) throw new Error('internal: text rows without a tokenizer');
  return labelTokens(tokenizer, conversation, options);
}

/** Runs `encode`, whose errors name the fields of the row. */
function named<T>({ line, value }: Row, format: RowFormat, encode: () => T): T {
  try {
    return encode();
  } catch (error) {
    if (!(error instanceof GraftError)) throw error;
    const { code, params } = error;
    if (code === 'data.template_refused') {
      throw new GraftError('data.row_refused', { line, ...params }, { cause: error });
    }
    // The template uses its own names; report the field name of the row.
    if ((code !== 'data.no_place' && code !== 'data.no_template') || typeof format === 'object') throw error;
    throw new GraftError(
      code,
      { ...params, field: fieldPath(value, format, String(params.field)) },
      { cause: error },
    );
  }
}

/**
 * Checks that a row has tokens, all in the vocabulary, and at least one to train within the maximum length. Throws
 * `data.empty_row`, `data.token_beyond_model`, `data.bad_ids`, `data.no_trained_tokens`, `data.cut_away`.
 */
function checkRow(
  tokens: LabeledTokens,
  conversation: Conversation,
  { tokenizer, maxLength, vocabSize }: Pick<RowTokenOptions, 'tokenizer' | 'maxLength' | 'vocabSize'>,
): LabeledTokens {
  const { ids, labels } = tokens;
  if (ids.length === 0) throw new GraftError('data.empty_row');
  if (!('inputIds' in conversation)) checkIds(ids, tokenizer, vocabSize);
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

/** Throws `data.token_beyond_model`. */
export function checkIds(ids: readonly number[], tokenizer: Tokenizer | null, vocabSize: number): void {
  const beyond = ids.find((id) => id >= vocabSize);
  if (beyond === undefined) return;
  const token = tokenizer?.tokenOf(beyond) ?? '?';
  throw new GraftError('data.token_beyond_model', { token, id: beyond, vocabSize });
}

/** Number of predicted labels: the first token of a row has no predecessor to predict it. */
function trainedCount(labels: readonly number[], length: number): number {
  let count = 0;
  for (let i = 1; i < Math.min(length, labels.length); i++) if (labels[i] !== IGNORED) count++;
  return count;
}

function whyUntrained(conversation: Conversation): string {
  if ('inputIds' in conversation) return 'all labels after the first are −100';
  if ('messages' in conversation && !conversation.messages.some(({ role }) => role === 'assistant')) {
    return 'the conversation has no assistant answer';
  }
  const weights =
    'messages' in conversation ? conversation.messages.map(({ weight }) => weight) : [conversation.weight];
  return weights.includes(0) ? 'all its weights are 0' : 'its answer is empty';
}
