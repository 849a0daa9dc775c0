import { createRandom } from '../../base/lib/random.ts';

/** What a row adds to a mean Σ value / Σ weight: weight is 1 for a score, the number of targets for a loss. */
export interface RowScore {
  value: number;
  weight: number;
}

/** A difference of two means, and the interval that holds 95% of its resamples. */
export interface Difference {
  difference: number;
  low: number;
  high: number;
}

const RESAMPLES = 2000;
const LEVEL = 0.95;

/** The mean of rows, as `of` shows it; NaN without rows. */
export function meanOf(rows: readonly RowScore[], of: (mean: number) => number = (mean) => mean): number {
  const { value, weight } = rows.reduce(
    (sum, row) => ({ value: sum.value + row.value, weight: sum.weight + row.weight }),
    { value: 0, weight: 0 },
  );
  return weight === 0 ? Number.NaN : of(value / weight);
}

/**
 * How much the mean of `rows` differs from that of `base` on the same rows, with the percentile interval of a paired
 * bootstrap (Efron, 1979): rows are drawn with replacement, each with both of its scores.
 * @param of what is shown of a mean, such as exp for a perplexity
 */
export function pairedDifference(
  base: readonly RowScore[],
  rows: readonly RowScore[],
  { seed = 0, of = (mean: number) => mean }: { seed?: number; of?: (mean: number) => number } = {},
): Difference {
  const difference = meanOf(rows, of) - meanOf(base, of);
  const count = rows.length;
  if (count === 0) return { difference, low: Number.NaN, high: Number.NaN };
  const random = createRandom(seed).fork('bootstrap');
  const drawn = Float64Array.from({ length: RESAMPLES }, () => {
    const sums = [0, 0, 0, 0];
    for (let i = 0; i < count; i++) {
      const row = random.below(count);
      sums[0]! += base[row]!.value;
      sums[1]! += base[row]!.weight;
      sums[2]! += rows[row]!.value;
      sums[3]! += rows[row]!.weight;
    }
    return of(sums[2]! / sums[3]!) - of(sums[0]! / sums[1]!);
  }).sort();
  return { difference, low: quantile(drawn, (1 - LEVEL) / 2), high: quantile(drawn, (1 + LEVEL) / 2) };
}

/** A quantile of sorted numbers, between neighbours by a line, as numpy's default. */
function quantile(sorted: Float64Array, q: number): number {
  const at = q * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return below + (above - below) * (at - Math.floor(at));
}
