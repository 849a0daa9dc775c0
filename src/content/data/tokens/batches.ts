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

  let cached: { epoch: number; order: EpochOrder } | null = null;
  const orderOf = (epoch: number): EpochOrder => {
    // Without shuffling, every epoch repeats the first.
    const key = options.shuffle ? epoch : 0;
    if (cached?.epoch !== key)
      cached = { epoch: key, order: epochOrder(options, random.fork(key), rowsPerStep) };
    return cached.order;
  };

  // First-fit-decreasing depends only on the lengths: every epoch has as many packed rows as the first.
  const stepsPerEpoch = Math.ceil((options.packing ? orderOf(0) : lengths).length / rowsPerStep);
  const steps = options.maxSteps || Math.ceil((options.epochs ?? 1) * stepsPerEpoch);
  return {
    steps: lengths.length === 0 ? 0 : steps,
    stepsPerEpoch,
    step(i) {
      const first = (i % stepsPerEpoch) * rowsPerStep;
      const some = orderOf(Math.floor(i / stepsPerEpoch)).slice(first, first + rowsPerStep);
      const rows = some instanceof Uint32Array ? Array.from(some, (row) => [row]) : some;
      const microBatches: number[][][] = [];
      for (let at = 0; at < rows.length; at += batchSize) microBatches.push(rows.slice(at, at + batchSize));
      return microBatches;
    },
  };
}

/** The rows of one epoch in order: packed, or one by one, which may be millions. */
type EpochOrder = number[][] | Uint32Array;

function epochOrder(options: PlanOptions, random: Random, rowsPerStep: number): EpochOrder {
  const { lengths, packing, maxLength } = options;
  const rows = new Uint32Array(lengths.length);
  for (let row = 0; row < rows.length; row++) rows[row] = row;
  if (options.shuffle) shuffle(rows, random.fork('rows'));
  if (!packing) return options.shuffle ? groupByLength(rows, lengths, rowsPerStep) : rows;
  // Stable: with shuffling, the bins of rows of equal length change every epoch.
  const bins = packRows(lengths, longestFirst(rows, lengths), maxLength);
  for (const bin of bins) bin.sort((a, b) => a - b);
  return options.shuffle
    ? shuffle(bins, random.fork('bins'))
    : bins.sort((a, b) => (a[0] ?? 0) - (b[0] ?? 0));
}

/** The rows by their lengths, the longest first; those of the same length in the order they have. */
function longestFirst(rows: Uint32Array, lengths: ArrayLike<number>): Uint32Array {
  let longest = 0;
  for (const row of rows) longest = Math.max(longest, lengths[row]!);
  // Where the rows of each length begin, from the longest on.
  const begins = new Uint32Array(longest + 2);
  for (const row of rows) begins[longest - lengths[row]! + 1]!++;
  for (let i = 1; i < begins.length; i++) begins[i]! += begins[i - 1]!;
  const sorted = new Uint32Array(rows.length);
  for (const row of rows) sorted[begins[longest - lengths[row]!]!++] = row;
  return sorted;
}

/**
 * Groups rows of similar length: sorts mega-batches of up to 50 steps of shuffled rows by length, longest first; the
 * longest row of all comes first, so that an out-of-memory error comes at once or never (transformers'
 * `get_length_grouped_indices`).
 */
function groupByLength(rows: Uint32Array, lengths: ArrayLike<number>, rowsPerStep: number): Uint32Array {
  const multiple = Math.min(Math.floor(rows.length / (rowsPerStep * 4)), 50) || 1;
  const size = multiple * rowsPerStep;
  const lengthAt = (at: number) => lengths[rows[at]!]!;
  let longest = 0;
  for (let at = 0; at < rows.length; at += size) {
    const megaBatch = Array.from(rows.subarray(at, at + size));
    rows.set(
      megaBatch.sort((a, b) => lengths[b]! - lengths[a]!),
      at,
    );
    if (lengthAt(at) > lengthAt(longest)) longest = at;
  }
  if (longest > 0) [rows[0], rows[longest]] = [rows[longest]!, rows[0]!];
  return rows;
}
