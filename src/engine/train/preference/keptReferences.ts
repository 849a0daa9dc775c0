import type { Recipe } from '../../../base/config/recipe.ts';
import { rowShapes, type RowShapes } from '../../../content/data/tokens/rowShapes.ts';
import { buildMicroBatch } from '../../../content/data/tokens/microBatch.ts';
import type { TokenRows } from '../../../content/data/tokens/tokenRows.ts';
import { withoutAdapter, type Decoder } from '../../model/decoder/decoder.ts';
import type { LargestBatch } from '../largestBatch.ts';
import { answerLogps } from './logps.ts';

/** Host memory that log-probabilities of the reference may take. */
const MAX_BYTES = 256 << 20;

/** When the log-probabilities of the reference model are computed. */
export interface ReferencePlan {
  /** `once`: before the first step, and kept. `step`: for the rows of each step. */
  when: 'once' | 'step';
  /** Bytes of host memory that keeping them takes. */
  bytes: number;
}

/**
 * When a run computes the log-probabilities of the reference model: once where it passes over its rows more than once and
 * they fit in memory, else at each step. KTO's mismatched answers are others in each epoch, so it computes all at each step.
 * Null for objectives without a reference.
 * @param rows of the data, @param epochs passes over them
 */
export function referencePlan(
  { objective }: Pick<Recipe, 'objective'>,
  rows: number,
  epochs: number,
): ReferencePlan | null {
  if (objective !== 'dpo' && objective !== 'kto') return null;
  const bytes = 2 * rows * Float64Array.BYTES_PER_ELEMENT;
  const keeps = objective === 'dpo' && epochs > 1 && bytes <= MAX_BYTES;
  return keeps ? { when: 'once', bytes } : { when: 'step', bytes: 0 };
}

/** The log-probabilities of all answers of a data set by the reference model. */
export class KeptReferences {
  readonly #logps: Float64Array;

  private constructor(logps: Float64Array) {
    this.#logps = logps;
  }

  /** Of an answer, by its number. */
  of(id: number): number {
    return this.#logps[id]!;
  }

  /**
   * Computes them: in the order of the data, in micro-batches of at most so many tokens and targets, so the same data gives
   * the same bits whatever the steps of a run.
   * @param largest of a micro-batch; every row is within it. Those it comes from pass first, so that memory runs out now or
   *   never and is what a step's pass takes
   * @param together micro-batches that pass streamed weights together
   */
  static async compute(
    decoder: Decoder,
    dataset: TokenRows,
    largest: Pick<LargestBatch, 'tokens' | 'targets' | 'from'>,
    together: number,
  ): Promise<KeptReferences> {
    const shapes = rowShapes(dataset);
    const logps = new Float64Array(2 * shapes.tokens.length);
    const batches = batchesWithin(shapes, largest);
    const size = decoder.weights.streams ? together : 1;
    const longest = largest.from.map((rows) => buildMicroBatch(dataset, rows));
    const first = Array.from(
      { length: Math.max(size, longest.length) },
      (_, i) => longest[i % longest.length]!,
    );
    for (const group of size === 1 ? longest.map((one) => [one]) : [first])
      await answerLogps(decoder, withoutAdapter, group);
    for (let at = 0; at < batches.length; at += size) {
      const group = batches.slice(at, at + size).map((rows) => buildMicroBatch(dataset, [rows]));
      const answers = await answerLogps(decoder, withoutAdapter, group);
      group.forEach(({ preference }, i) =>
        preference!.answers.forEach(({ id }, answer) => (logps[id] = answers[i]![answer]!.logp)),
      );
    }
    return new KeptReferences(logps);
  }
}

/** All rows in their order, as many to a batch as are within the largest. */
function batchesWithin(
  { tokens, targets }: RowShapes,
  largest: { tokens: number; targets: number },
): number[][] {
  const batches: number[][] = [];
  let sum = { tokens: Infinity, targets: Infinity };
  tokens.forEach((length, row) => {
    const count = targets[row]!;
    if (sum.tokens + length > largest.tokens || sum.targets + count > largest.targets) {
      batches.push([]);
      sum = { tokens: 0, targets: 0 };
    }
    batches.at(-1)!.push(row);
    sum = { tokens: sum.tokens + length, targets: sum.targets + count };
  });
  return batches;
}
