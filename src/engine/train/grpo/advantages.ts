import type { Recipe } from '../../../base/config/recipe.ts';

/** Added to deviations, as in TRL. */
const EPSILON = 1e-4;

/** The reward of each completion, and what is made of it. */
export interface Advantages {
  /** [completions] weighted sums of rewards; null where no reward has an opinion. */
  rewards: (number | null)[];
  /** [completions] 0 where no reward has an opinion, and in groups without spread. */
  advantages: number[];
  /** Groups whose rewards are all the same. */
  withoutSpread: number;
  groups: number;
}

/**
 * How much better each completion was rewarded than those to the same prompt, by TRL's `sum_then_normalize`.
 * @param scores [completions][rewards], null for no opinion; groups lie one after the other
 * @param size completions of a group
 */
export function advantagesOf(
  scores: readonly (readonly (number | null)[])[],
  weights: readonly number[],
  size: number,
  scale: Recipe['scale_rewards'],
): Advantages {
  const rewards = scores.map((own) => weightedSum(own, weights));
  const ofBatch = deviation(known(rewards));
  const advantages: number[] = [];
  let withoutSpread = 0;
  for (let at = 0; at < rewards.length; at += size) {
    const group = rewards.slice(at, at + size);
    const values = known(group);
    const spreads = hasSpread(values);
    if (!spreads) withoutSpread += 1;
    const mean = meanOf(values);
    const divisor = scale === 'none' ? 1 : (scale === 'group' ? deviation(values) : ofBatch) + EPSILON;
    // A group without spread has no gradient at all.
    for (const reward of group) advantages.push(reward === null || !spreads ? 0 : (reward - mean) / divisor);
  }
  return { rewards, advantages, withoutSpread, groups: Math.ceil(rewards.length / size) };
}

function weightedSum(scores: readonly (number | null)[], weights: readonly number[]): number | null {
  if (scores.every((score) => score === null)) return null;
  return scores.reduce<number>((sum, score, i) => sum + (score ?? 0) * weights[i]!, 0);
}

/** Without those that are null. */
export function known(values: readonly (number | null)[]): number[] {
  return values.filter((value) => value !== null);
}

/** NaN for none. */
export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Whether there is a value that differs from another. */
function hasSpread(values: readonly number[]): boolean {
  return values.some((value) => value !== values[0]);
}

/** The deviation of a sample, with n − 1; 0 for fewer than two values. */
export function deviation(values: readonly number[]): number {
  // The mean of equal numbers may be off in the last bit.
  if (!hasSpread(values)) return 0;
  const mean = meanOf(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}
