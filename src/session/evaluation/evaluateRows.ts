import type { Vocabulary } from '../../content/data/tokenizer/vocabulary.ts';
import { streamedText } from '../../content/data/tokenizer/streamDecoder.ts';
import type { RowScore } from '../../content/metrics/bootstrap.ts';
import { isAnswerMetric, needsExpected } from '../../content/metrics/metrics.ts';
import type { ScoringGuard } from '../../content/rewards/scoringGuard.ts';
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

/** What an evaluation needs beside a loaded model. */
export interface EvaluationMeans {
  files: ModelFiles;
  tokenizer: Vocabulary;
  /** Scores answers. */
  scoring: ScoringGuard;
}

/** Runs a system over all rows: losses, greedy answers in batches, and likelihoods of choices. */
export async function evaluateRows(
  decoder: Decoder,
  use: AdapterUse,
  means: EvaluationMeans,
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
  const answers = await answersOf(decoder, use, means, data, options);
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
  { files, tokenizer, scoring }: EvaluationMeans,
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
  const texts = generated.map(({ ids }) => streamedText(tokenizer, ids));
  const names = metrics.filter(isAnswerMetric);
  const compared = texts.map((answer, i) => ({ answer, expected: answers[i]!.expected ?? '' }));
  const scored = await scoring.answers(names, metricOptions, compared);
  return generated.map(({ ids, stoppedBy }, i) => {
    const own = names.flatMap((name, at) =>
      answers[i]!.expected !== null || !needsExpected(name) ? [[name, scored[i]![at]!] as const] : [],
    );
    return { text: texts[i]!, tokens: ids.length, stoppedBy, scores: Object.fromEntries(own) };
  });
}
