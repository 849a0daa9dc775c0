import { defaultReading, type Reading } from '../../base/config/reading.ts';
import { GraftError } from '../../base/lib/errors.ts';
import type { ByteSource } from '../../base/storage/types.ts';
import type { Encoding } from '../../content/data/files/encoding.ts';
import { parseDataset, type ParsedDataset } from '../../content/data/files/parse.ts';
import { detectFormat, toConversation } from '../../content/data/rows/formats.ts';
import { choiceRow, isChoiceRow, type ChoiceRow } from '../../content/data/rows/choiceRow.ts';
import { withShots } from '../../content/data/rows/choiceShots.ts';
import { promptText, rowPrompt, type RowPrompt } from '../../content/data/rows/rowPrompt.ts';
import type { TextGuard } from '../../content/guard/textGuard.ts';
import { readableSource } from '../../content/intake/unpack/readable.ts';
import {
  isAnswerMetric,
  needsExpected,
  type MetricName,
  type MetricOptions,
} from '../../content/metrics/metrics.ts';
import type { DecoderSpec } from '../../engine/model/spec/spec.ts';
import type { TokenRows } from '../../content/data/tokens/tokenRows.ts';
import { readData } from '../readData.ts';
import { choiceTokens, type ChoiceTokens } from './choices.ts';

/** A row to be answered, as tokens. */
export interface AnswerRow {
  line: number;
  /** What is asked, for a table. */
  text: string;
  expected: string | null;
  ids: number[];
  endIds: number[];
}

/** A row whose targets have a loss. */
export interface LossRow {
  line: number;
  /** Its number among the tokens. */
  row: number;
}

/** A data file made ready: nothing of it depends on weights. */
export interface EvaluationData {
  file: string;
  metrics: MetricName[];
  options: MetricOptions;
  /** The most tokens of an answer. */
  maxNewTokens: number;
  answers: AnswerRow[];
  losses: { tokens: TokenRows; rows: LossRow[] } | null;
  choices: ChoiceTokens[];
  /** Examples before each question, where there are any. */
  shots?: number;
  /** Rows that could not be used, by line. */
  problems: { line: number; error: GraftError }[];
}

/** How a data file is evaluated. */
export interface EvaluationSettings extends MetricOptions {
  /** By default those that the rows allow: `choice`, or loss, perplexity and what compares answers. */
  metrics?: readonly MetricName[] | undefined;
  maxNewTokens?: number;
  reading?: Reading;
  rowsField?: string | undefined;
  encoding?: Encoding | undefined;
  /** Rows from the first on; by default all. */
  limit?: number;
  /** Examples before each multiple-choice question; by default none. */
  shots?: number;
  /** What examples are drawn with. */
  shotsSeed?: number;
  /** The file they are taken from; by default the others of the same. */
  shotsFrom?: ByteSource | undefined;
  /** Leaves out metrics that there are no rows for; at least one is left. By default those of `metrics` are refused. */
  whereUsable?: boolean;
}

/** What of a model evaluation needs beside its tokenizer. */
export interface EvaluatedModel {
  spec: Pick<DecoderSpec, 'vocabSize' | 'maxPositions'>;
}

export const MAX_NEW_TOKENS = 128;
const OF_ROWS = ['loss', 'perplexity', 'exact', 'contains', 'rouge-l', 'chrf'] as const;

/**
 * Reads rows to be evaluated: chats, prompts with answers, texts, or multiple-choice questions. Throws `data.*`, among
 * them `data.metric_without_rows` where the file has nothing that a metric is of.
 */
export async function readEvaluation(
  source: ByteSource,
  text: TextGuard,
  { spec }: EvaluatedModel,
  settings: EvaluationSettings = {},
): Promise<EvaluationData> {
  const { rowsField, encoding, limit = Infinity } = settings;
  const parsed = await parseDataset(await readableSource(source), undefined, {
    ...(rowsField !== undefined && { rowsField }),
    ...(encoding !== undefined && { encoding }),
  });
  const rows = parsed.rows.slice(0, limit);
  const isChoices = rows.length > 0 && isChoiceRow(rows[0]!);
  const data: EvaluationData = {
    file: parsed.name,
    metrics: [...(settings.metrics ?? (isChoices ? (['choice'] as const) : OF_ROWS))],
    options: settings,
    maxNewTokens: settings.maxNewTokens ?? MAX_NEW_TOKENS,
    answers: [],
    losses: null,
    choices: [],
    ...(settings.shots && { shots: settings.shots }),
    problems: [],
  };
  if (isChoices) await readChoices(data, parsed, text, settings);
  else {
    if (data.metrics.some((name) => name === 'loss' || name === 'perplexity'))
      await readLosses(data, source, text, { spec }, settings);
    if (data.metrics.some(isAnswerMetric)) await readAnswers(data, { ...parsed, rows }, text, spec, settings);
  }
  if ((settings.shots ?? 0) > 0 && !isChoices)
    throw new GraftError('data.metric_without_rows', {
      file: parsed.name,
      metric: 'choice',
      detail: 'its rows are no multiple-choice questions',
    });
  checkMetrics(data, settings.metrics !== undefined && !settings.whereUsable);
  return data;
}

async function readChoices(
  data: EvaluationData,
  parsed: ParsedDataset,
  text: TextGuard,
  { limit = Infinity, shots = 0, shotsSeed, shotsFrom }: EvaluationSettings,
): Promise<void> {
  const all = questionsOf(parsed, data.problems);
  const asked = parsed.rows.slice(0, limit).flatMap((row) => all.get(row) ?? []);
  const lines = new Set(parsed.rows.slice(limit).map(({ line }) => line));
  data.problems = data.problems.filter(({ line }) => !lines.has(line));
  const other = shotsFrom && (await parseDataset(await readableSource(shotsFrom)));
  const pool = [...(other ? questionsOf(other, data.problems) : all).values()];
  const questions = withShots(
    asked,
    pool,
    { shots, ...(shotsSeed !== undefined && { seed: shotsSeed }) },
    { isOwn: !other, file: (other ?? parsed).name },
  );
  data.choices = await choiceTokens(questions, (texts) => text.encode(texts));
}

/** The questions of a file by its rows; what is none is a problem. */
function questionsOf(
  { rows, name }: ParsedDataset,
  problems: EvaluationData['problems'],
): Map<ParsedDataset['rows'][number], ChoiceRow> {
  const questions = new Map<ParsedDataset['rows'][number], ChoiceRow>();
  for (const row of rows) {
    try {
      questions.set(row, choiceRow(row, name));
    } catch (error) {
      problems.push({ line: row.line, error: asGraftError(error) });
    }
  }
  return questions;
}

async function readLosses(
  data: EvaluationData,
  source: ByteSource,
  text: TextGuard,
  model: EvaluatedModel,
  { reading = defaultReading, rowsField, encoding, limit = Infinity }: EvaluationSettings,
): Promise<void> {
  const { tokens, error } = await readData(source, text, model, { reading, rowsField, encoding });
  if (error) throw error;
  if (!tokens) return;
  const rows: LossRow[] = [];
  for (const [row, from] of tokens.sources.entries())
    if (from < limit) rows.push({ line: tokens.lines[row]!, row });
  const count = rows.length;
  data.losses = { tokens: { ...tokens, offsets: tokens.offsets.subarray(0, count + 1) }, rows };
}

async function readAnswers(
  data: EvaluationData,
  { rows, name }: ParsedDataset,
  text: TextGuard,
  spec: EvaluatedModel['spec'],
  { reading = defaultReading }: EvaluationSettings,
): Promise<void> {
  const format = detectFormat(rows, name);
  const chosenOnly = reading.preferenceData === 'chosen';
  for (const row of rows) {
    try {
      const prompt = rowPrompt(toConversation(row, format, { chosenOnly }), row.line);
      if (prompt) data.answers.push(await answerRow(prompt, text, spec, reading));
    } catch (error) {
      data.problems.push({ line: row.line, error: asGraftError(error) });
    }
  }
}

/** A prompt as tokens. Throws `infer.prompt_too_long`, `data.template_*`. */
export async function answerRow(
  prompt: RowPrompt,
  text: Pick<TextGuard, 'prompt'>,
  { maxPositions }: Pick<DecoderSpec, 'maxPositions'>,
  { templateArgs }: Pick<Reading, 'templateArgs'>,
): Promise<AnswerRow> {
  const { line, expected } = prompt;
  const asked = { ...prompt.prompt, templateArgs: { ...templateArgs, ...prompt.prompt.templateArgs } };
  const { ids, endIds } = await text.prompt(asked);
  if (ids.length >= maxPositions)
    throw new GraftError('infer.prompt_too_long', { length: ids.length, positions: maxPositions });
  return { line, text: promptText(prompt), expected, ids, endIds };
}

/** Refuses what there are no rows for; of the default metrics, leaves it out. */
function checkMetrics(data: EvaluationData, chosen: boolean): void {
  const { file: name, answers, losses, choices, problems } = data;
  const lackOf = (metric: MetricName): string | null => {
    if (metric === 'choice') return choices.length > 0 ? null : 'its rows are no multiple-choice questions';
    if (choices.length > 0) return 'its rows are multiple-choice questions';
    if (metric === 'loss' || metric === 'perplexity')
      return losses && losses.rows.length > 0 ? null : 'no row can be tokenized';
    if (answers.length === 0) return 'no row asks something that can be answered';
    const isComparable = answers.some(({ expected }) => expected !== null);
    return needsExpected(metric) && !isComparable ? 'no row has an answer to compare with' : null;
  };
  const usable = data.metrics.filter((metric) => lackOf(metric) === null);
  const refused = data.metrics.find((metric) => lackOf(metric) !== null);
  if (refused !== undefined && (chosen || usable.length === 0)) {
    if (problems[0] && answers.length + choices.length === 0) throw problems[0].error;
    throw new GraftError('data.metric_without_rows', {
      file: name,
      metric: refused,
      detail: lackOf(refused)!,
    });
  }
  data.metrics = usable;
}

function asGraftError(error: unknown): GraftError {
  if (error instanceof GraftError) return error;
  throw error;
}
