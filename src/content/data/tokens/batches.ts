import { createRandom, shuffle, type Random } from '../../../base/lib/random.ts';
import { packRows } from './packing.ts';

export interface PlanOptions {
  /** [rows] length of each row in tokens. */
  lengths: ArrayLike<number>;
  /** Rows (packed rows, with packing) per micro-batch. */
  batchSize: number;
  /** Micro-batches per optimizer step. */
  gradAccum: number;
  /** Shuffle every epoch, with rows of similar length together; otherwise file order. */
  shuffle: boolean;
  /** Pack several rows into one of at most `maxLength` tokens. */
  packing: boolean;
  maxLength: number;
  seed: number;
  /** Passes over the data; may be fractional. Default 1; ignored if `maxSteps` is set. */
  epochs?: number | null;
  /** Number of optimizer steps, over as many epochs as needed. 0 and null defer to `epochs`. */
  maxSteps?: number | null;
}

/** The rows of each optimizer step. Pure: the same options always give the same plan. */
export interface StepPlan {
  /** Optimizer steps of the whole run, and of one pass over the data. */
  steps: number;
  stepsPerEpoch: number;
  /** Step `i` (from 0): a list of micro-batches, each a list of rows, each a list of dataset rows packed together. */
  step(i: number): number[][][];
}

/**
 * Plans the steps of a run. An epoch uses every row exactly once; its last step is smaller if the rows don't divide
 * evenly, as in transformers' Trainer, and the next epoch starts from the beginning.
 */
export function planSteps(options: PlanOptions): StepPlan {
  const { lengths, batchSize, gradAccum, seed } = options;
  const random = createRandom(seed).fork('batches');
  const rowsPerStep = batchSize * gradAccum;

  let cached: { epoch: number; order: number[][] } | null = null;
  const orderOf = (epoch: number): number[][] => {
    // Without shuffling, every epoch repeats the first.
    const key = options.shuffle ? epoch : 0;
    if (cached?.epoch !== key)
      cached = { epoch: key, order: epochOrder(options, random.fork(key), rowsPerStep) };
    return cached.order;
  };

  // First-fit-decreasing depends only on the lengths: every epoch has as many packed rows as the first.
  const stepsPerEpoch = Math.ceil(orderOf(0).length / rowsPerStep);
  const steps = options.maxSteps || Math.ceil((options.epochs ?? 1) * stepsPerEpoch);
  return {
    steps: lengths.length === 0 ? 0 : steps,
    stepsPerEpoch,
    step(i) {
      const first = (i % stepsPerEpoch) * rowsPerStep;
      const rows = orderOf(Math.floor(i / stepsPerEpoch)).slice(first, first + rowsPerStep);
      const microBatches: number[][][] = [];
      for (let at = 0; at < rows.length; at += batchSize) microBatches.push(rows.slice(at, at + batchSize));
      return microBatches;
    },
  };
}

/** The rows of one epoch in order, packed or one by one. */
function epochOrder(options: PlanOptions, random: Random, rowsPerStep: number): number[][] {
  const { lengths, packing, maxLength } = options;
  const rows = Array.from({ length: lengths.length }, (_, i) => i);
  if (options.shuffle) shuffle(rows, random.fork('rows'));
  if (!packing) {
    const order = options.shuffle ? groupByLength(rows, lengths, rowsPerStep) : rows;
    return order.map((row) => [row]);
  }
  // The sort is stable: with shuffling, the bins of rows of equal length change every epoch.
  const longestFirst = [...rows].sort((a, b) => (lengths[b] as number) - (lengths[a] as number));
  const bins = packRows(lengths, longestFirst, maxLength);
  for (const bin of bins) bin.sort((a, b) => a - b);
  return options.shuffle
    ? shuffle(bins, random.fork('bins'))
    : bins.sort((a, b) => (a[0] ?? 0) - (b[0] ?? 0));
}

/**
 * Groups rows of similar length: shuffles rows, then sorts mega-batches of up to 50 steps by length, longest first; the
 * longest row of all comes first, so that an out-of-memory error comes at once or never (transformers'
 * `get_length_grouped_indices`).
 */
function groupByLength(rows: readonly number[], lengths: ArrayLike<number>, rowsPerStep: number): number[] {
  const multiple = Math.min(Math.floor(rows.length / (rowsPerStep * 4)), 50) || 1;
  const size = multiple * rowsPerStep;
  const megaBatches: number[][] = [];
  for (let at = 0; at < rows.length; at += size) {
    megaBatches.push(
      rows.slice(at, at + size).sort((a, b) => (lengths[b] as number) - (lengths[a] as number)),
    );
  }
  const longestOf = (batch: number[] | undefined) => lengths[batch?.[0] ?? 0] as number;
  let longest = 0;
  for (let i = 1; i < megaBatches.length; i++) {
    if (longestOf(megaBatches[i]) > longestOf(megaBatches[longest])) longest = i;
  }
  const [first, other] = [megaBatches[0], megaBatches[longest]];
  if (first && other && longest > 0) [first[0], other[0]] = [other[0] as number, first[0] as number];
  return megaBatches.flat();
}
