import type { Vocabulary } from '../../content/data/tokenizer/vocabulary.ts';
import { StreamDecoder } from '../../content/data/tokenizer/streamDecoder.ts';
import type { RowScore } from '../../content/metrics/bootstrap.ts';
import { isAnswerMetric, needsExpected, scoreAnswer } from '../../content/metrics/metrics.ts';
import { planBatch } from '../../engine/infer/batch/batchPlan.ts';
import { generateBatch, scheduledTexts, type BatchRequest } from '../../engine/infer/batch/generateBatch.ts';
import type { AdapterUse, Decoder } from '../../engine/model/decoder/decoder.ts';
import type { ModelFiles } from '../../engine/model/spec/openModel.ts';
import { choiceTokenRows, scoreChoices, type ChoiceScores } from './choices.ts';
import type { EvaluationData } from './evaluationData.ts';
import { rowLosses } from './rowLosses.ts';

/** What one system, the base or a tuned model, made of the rows; lists are in the order of those of the data. */
export interface SystemResult {
  answers: SystemAnswer[];
  losses: RowScore[];
  choices: ChoiceScores[];
  /** Of all of it, loading apart. */
  seconds: number;
}

export interface SystemAnswer {
  text: string;
  tokens: number;
  stoppedBy: 'end' | 'length' | 'caller';
  /** By metric; a metric that compares has none where nothing is expected. */
  scores: Record<string, number>;
}

export interface EvaluateOptions {
  /** Sequences that are answered together, at most 64. */
  batch?: number;
  /** The most bytes that decoding may take beside weights. */
  memoryBudget?: number;
  onRows?: (progress: EvaluationProgress) => void;
  /** Ends the evaluation early: what it throws is the signal's reason. */
  signal?: AbortSignal;
}

/** Rows that are done, of all, in each part of an evaluation. */
export interface EvaluationProgress {
  part: 'losses' | 'answers' | 'choices';
  done: number;
  total: number;
}

/** Runs a system over all rows: losses, greedy answers in batches, and likelihoods of choices. */
export async function evaluateRows(
  decoder: Decoder,
  use: AdapterUse,
  { files, tokenizer }: { files: ModelFiles; tokenizer: Vocabulary },
  data: EvaluationData,
  options: EvaluateOptions = {},
): Promise<SystemResult> {
  const { onRows = () => undefined, signal } = options;
  const start = performance.now();
  const report = (part: EvaluationProgress['part'], total: number) => (done: number) => {
    signal?.throwIfAborted();
    onRows({ part, done, total });
  };
  const { losses, choices } = data;
  const found = losses
    ? await rowLosses(decoder, use, losses.tokens, report('losses', losses.rows.length))
    : [];
  const answers = await answersOf(decoder, use, files, tokenizer, data, options);
  const pairs = choiceTokenRows(choices, decoder.spec.maxPositions);
  const scores = await rowLosses(decoder, use, pairs, report('choices', pairs.offsets.length - 1));
  let at = 0;
  return {
    losses: found,
    answers,
    choices: choices.map(({ row }) => {
      const own = scores.slice(at, (at += row.continuations.length));
      return scoreChoices(
        row,
        own.map(({ value }) => -value),
      );
    }),
    seconds: (performance.now() - start) / 1000,
  };
}

async function answersOf(
  decoder: Decoder,
  use: AdapterUse,
  files: ModelFiles,
  tokenizer: Vocabulary,
  { answers, metrics, options: metricOptions, maxNewTokens }: EvaluationData,
  { batch, memoryBudget, onRows, signal }: EvaluateOptions,
): Promise<SystemAnswer[]> {
  if (answers.length === 0) return [];
  const requests = answers.map(({ ids, endIds }): BatchRequest => ({
    prompt: ids,
    endIds,
    maxNewTokens,
    seed: 0,
    temperature: 0,
    topK: 0,
    topP: 1,
  }));
  const plan = await planBatch(files, decoder.type, decoder.gpu, {
    texts: scheduledTexts(decoder, requests),
    ...(batch !== undefined && { sequences: batch }),
    ...(memoryBudget !== undefined && { budget: memoryBudget }),
  });
  let done = 0;
  const generated = await generateBatch(decoder, use, requests, {
    plan,
    onDone: () => onRows?.({ part: 'answers', done: ++done, total: answers.length }),
    shouldStop: () => signal?.aborted ?? false,
  });
  signal?.throwIfAborted();
  return generated.map(({ ids, stoppedBy }, i) => {
    const text = textOf(tokenizer, ids);
    const { expected } = answers[i]!;
    const own = metrics.filter(isAnswerMetric).filter((name) => expected !== null || !needsExpected(name));
    const scores = own.map((name) => [name, scoreAnswer(name, text, expected ?? '', metricOptions)] as const);
    return { text, tokens: ids.length, stoppedBy, scores: Object.fromEntries(scores) };
  });
}

/** The text of an answer's tokens, as an answer is streamed. */
function textOf(tokenizer: Vocabulary, ids: readonly number[]): string {
  const decode = new StreamDecoder(tokenizer, { keepLeadingSpace: false });
  return ids.map((id) => decode.push(id)).join('') + decode.flush();
}
