import { IGNORED } from '../labels/tokenizedRow.ts';
import { sequencesOf } from './preferenceColumn.ts';
import type { TokenRows } from './tokenRows.ts';

/**
 * Rows for one forward and backward pass, without padding: all rows are concatenated on one token axis of length T,
 * each its own segment, so attention stays within a row whether or not rows are packed.
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
  /** [R] token index t whose next token t+1, in the same segment, is trained. */
  targetRows: Uint32Array;
  /** [R] the id to predict there. */
  targetIds: Uint32Array;
  /** [R] loss weight of each target; null if all are 1. */
  targetWeights: Float32Array | null;
  /** Number of dataset rows in the batch. */
  rows: number;
  /** Of preference data: its answers. */
  preference?: BatchAnswers;
  /** Of sampled completions: what they are to the step's loss, in the order of segments. */
  completions?: readonly BatchCompletion[];
}

/** A sampled completion among the targets of a micro-batch. */
export interface BatchCompletion {
  /** [start, end) of its targets. */
  start: number;
  end: number;
  /** How much better it was rewarded than its group. */
  advantage: number;
  /** What the loss of each of its tokens counts in the loss of the step. */
  tokenShare: number;
  /** Log-probabilities of its tokens that are known, and are filled in once they are. */
  known: KnownLogps;
}

/** Log-probabilities of the tokens of a completion. */
export interface KnownLogps {
  /** By the model that sampled it; null before its first pass. */
  sampled: Float32Array | null;
  /** By the model without adapter; null where unknown. */
  reference: Float32Array | null;
}

/** The answers of a micro-batch of preference data. */
export interface BatchAnswers {
  /** In the order of segments: of pairs, the better one before the worse one. */
  answers: AnswerTargets[];
  /** Of answers that are good or bad: each prompt with another's answer; null of pairs. */
  mismatched: MicroBatch | null;
}

/** Where the answer of a segment is among the targets. */
export interface AnswerTargets {
  /** [start, end) of its targets; those before are of its prompt, from `promptStart` on. */
  promptStart: number;
  start: number;
  end: number;
  /** A good answer, or the better one of a pair. */
  good: boolean;
  /** Its number among all answers of the data. */
  id: number;
}

/** A token axis of its own within a micro-batch. */
interface Segment {
  ids: Int32Array;
  labels: Int32Array;
  weights: Float32Array | null;
}

/**
 * Builds a micro-batch. `rows` lists packed rows, each a list of dataset rows.
 * @param maxLength of mismatched answers, which are cut to it
 */
export function buildMicroBatch(
  dataset: TokenRows,
  rows: readonly (readonly number[])[],
  maxLength = Infinity,
): MicroBatch {
  const { preference } = dataset;
  const flat = rows.flat();
  const segments = flat.flatMap((row) => segmentsOf(dataset, row));
  const batch = layOut(segments, flat.length);
  if (!preference) return batch;
  if (preference.kind === 'labels') {
    const prompts = segments.map(({ labels }) => promptLength(labels));
    const answers = answerTargets(segments, prompts, (i) => ({
      good: preference.values[flat[i]!] === 1,
      id: flat[i]!,
    }));
    return { ...batch, preference: { answers, mismatched: mismatchedOf(segments, prompts, maxLength) } };
  }
  // The answers of a pair begin at the same token, and of the worse one only the answer is trained.
  const prompts = segments.map((_, i) => promptLength(segments[i | 1]!.labels));
  const answers = answerTargets(segments, prompts, (i) => ({
    good: i % 2 === 0,
    id: 2 * flat[i >> 1]! + (i % 2),
  }));
  return { ...batch, preference: { answers, mismatched: null } };
}

function segmentsOf(dataset: TokenRows, row: number): Segment[] {
  const { ids, labels, weights } = dataset;
  return sequencesOf(dataset, row).map(({ start, end }) => ({
    ids: ids.subarray(start, end),
    labels: labels.subarray(start, end),
    weights: weights && weights.subarray(start, end),
  }));
}

/** Tokens before the first that is trained. */
function promptLength(labels: Int32Array): number {
  return labels.findIndex((label) => label !== IGNORED);
}

/**
 * KTO's mismatched answers: each prompt with the answer of the segment before it, the first with the last's. Together
 * they are as many tokens as the segments, or fewer where they are cut.
 */
function mismatchedOf(
  segments: readonly Segment[],
  prompts: readonly number[],
  maxLength: number,
): MicroBatch {
  const mismatched = segments.map(({ ids }, i): Segment => {
    const prompt = prompts[i]!;
    const answer = segments.at(i - 1)!.ids.subarray(prompts.at(i - 1));
    const own = Int32Array.of(...ids.subarray(0, prompt), ...answer).subarray(0, maxLength);
    return { ids: own, labels: own.map((id, at) => (at < prompt ? IGNORED : id)), weights: null };
  });
  const batch = layOut(mismatched, segments.length);
  const answers = answerTargets(mismatched, prompts, (id) => ({ good: true, id }));
  return { ...batch, preference: { answers, mismatched: null } };
}

/** Segments one after the other. */
function layOut(segments: readonly Segment[], rows: number): MicroBatch {
  const length = segments.reduce((sum, { ids }) => sum + ids.length, 0);
  const tokens = new Uint32Array(length);
  const positions = new Uint32Array(length);
  const segmentStart = new Uint32Array(length);
  const segmentEnd = new Uint32Array(length);
  const targetRows: number[] = [];
  const targetIds: number[] = [];
  const targetWeights: number[] = [];

  let at = 0;
  for (const { ids, labels, weights } of segments) {
    const count = ids.length;
    tokens.set(ids, at);
    segmentStart.fill(at, at, at + count);
    segmentEnd.fill(at + count, at, at + count);
    for (let i = 0; i < count; i++) {
      positions[at + i] = i;
      // The shift: a token's label is predicted at the token before it.
      const next = i + 1 < count ? labels[i + 1]! : IGNORED;
      if (next === IGNORED) continue;
      targetRows.push(at + i);
      targetIds.push(next);
      if (weights) targetWeights.push(weights[i + 1]!);
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
    targetWeights: segments.some(({ weights }) => weights) ? Float32Array.from(targetWeights) : null,
    rows,
  };
}

/** @param prompts [segments] tokens of the prompt of each */
function answerTargets(
  segments: readonly Segment[],
  prompts: readonly number[],
  of: (segment: number) => Pick<AnswerTargets, 'good' | 'id'>,
): AnswerTargets[] {
  let at = 0;
  return segments.map(({ labels }, i) => {
    const promptStart = at;
    let start = at;
    for (let token = 1; token < labels.length; token++) {
      if (labels[token] === IGNORED) continue;
      at++;
      if (token < prompts[i]!) start++;
    }
    return { promptStart, start, end: at, ...of(i) };
  });
}
