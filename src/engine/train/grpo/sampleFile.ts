import * as v from 'valibot';
import { GraftError } from '../../../base/lib/errors.ts';
import type { CompletionNumbers } from '../completionNumbers.ts';
import type { TrainedCompletion } from './completionBatch.ts';
import { SAMPLE_FILE } from './sampleName.ts';

/** The completions of some steps, and what is reported of them. */
export interface Sample {
  /** From 0: steps of as many passes as the recipe makes over one. */
  index: number;
  /** Of each micro-batch. */
  batches: TrainedCompletion[][];
  numbers: Omit<CompletionNumbers, 'kl' | 'clipRatio'>;
}

const real = v.nullable(v.number());
const schema = v.object({
  index: v.number(),
  batches: v.array(
    v.array(
      v.object({
        row: v.number(),
        ids: v.array(v.number()),
        advantage: v.number(),
        sampled: v.nullable(v.array(v.number())),
      }),
    ),
  ),
  numbers: v.object({
    reward: real,
    rewardStd: real,
    rewards: v.record(v.string(), real),
    length: v.number(),
    cut: v.number(),
    withoutSpread: v.number(),
  }),
});

/** A sample as JSON in UTF-8: completions, advantages, and the log-probabilities they were sampled with, exactly. */
export function sampleBytes({ index, batches, numbers }: Sample): Uint8Array<ArrayBuffer> {
  const plain = batches.map((batch) =>
    batch.map(({ row, ids, advantage, known }) => ({
      row,
      ids,
      advantage,
      sampled: known.sampled && [...known.sampled],
    })),
  );
  return new TextEncoder().encode(JSON.stringify({ index, batches: plain, numbers }));
}

/** Throws `train.resume_unreadable`. */
export function readSample(bytes: Uint8Array): Sample {
  const result = v.safeParse(schema, parse(bytes));
  if (!result.success) throw new GraftError('train.resume_unreadable', { part: SAMPLE_FILE });
  const { index, batches, numbers } = result.output;
  return {
    index,
    numbers,
    batches: batches.map((batch) =>
      batch.map(({ sampled, ...completion }) => ({
        ...completion,
        // What the reference says follows from the weights.
        known: { sampled: sampled && Float32Array.from(sampled), reference: null },
      })),
    ),
  };
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}
