import type { TorchRandom } from './torchRandom.ts';

/** Values of one matrix of several adapters; all of the same length. */
type Tasks = readonly Float32Array[];

/** How adapters are mixed, by the names of PEFT's `add_weighted_adapter`; the first is its default. */
export const mixRules = [
  'svd',
  'cat',
  'linear',
  'ties',
  'ties_svd',
  'dare_linear',
  'dare_linear_svd',
  'dare_ties',
  'dare_ties_svd',
  'magnitude_prune',
  'magnitude_prune_svd',
] as const;
export type MixRule = (typeof mixRules)[number];

/** Whether ties are resolved by the sum of the values or by the count of their signs. */
export const majorities = ['total', 'frequency'] as const;
export type Majority = (typeof majorities)[number];

/** How values are combined, whatever they are of. */
export interface Combination {
  /** Which values of an adapter take part. */
  prune: 'none' | 'magnitude' | 'random';
  /** Whether values against the majority's sign are left out, and the others averaged. */
  ties: boolean;
}

/** Of the rules that combine values: all but `cat`. */
export function combinationOf(rule: Exclude<MixRule, 'cat'>): Combination {
  const name = rule.replace(/_?svd$/, '');
  return {
    prune: /^(ties|magnitude)/.test(name) ? 'magnitude' : name.startsWith('dare') ? 'random' : 'none',
    ties: name.endsWith('ties'),
  };
}

/** Settings of a rule. */
export interface MixSettings {
  /** The fraction of values that take part, above 0; from 1 on all do. */
  density: number;
  majority: Majority;
}

/**
 * Combines matrices value by value, in f32 as PEFT 0.21 does (`peft/utils/merge_utils.py`: task arithmetic; TIES, Yadav et al.
 * 2023; DARE, Yu et al. 2024).
 * @param weights one for each of `tasks`
 */
export function combine(
  tasks: Tasks,
  weights: readonly number[],
  { prune, ties }: Combination,
  { density, majority }: MixSettings,
  random: TorchRandom,
): Float32Array<ArrayBuffer> {
  const kept = density >= 1 ? tasks : tasks.map((values) => pruned(values, prune, density, random));
  const factors = weights.map(Math.fround);
  const length = tasks[0]!.length;
  const out = new Float32Array(length);
  for (let i = 0; i < length; i++) {
    const sign = ties ? majoritySign(kept, i, majority) : null;
    let sum = 0;
    let count = 0;
    kept.forEach((values, task) => {
      if (sign !== null && Math.sign(values[i]!) !== sign) return;
      sum = Math.fround(sum + Math.fround(values[i]! * factors[task]!));
      count += 1;
    });
    out[i] = sign === null ? sum : sum / Math.max(count, 1);
  }
  return out;
}

/** 1 or -1; 1 where they are even. */
function majoritySign(tasks: Tasks, at: number, majority: Majority): 1 | -1 {
  let sum = 0;
  for (const values of tasks)
    sum = Math.fround(sum + (majority === 'total' ? values[at]! : Math.sign(values[at]!)));
  return sum >= 0 ? 1 : -1;
}

function pruned(
  values: Float32Array,
  prune: Combination['prune'],
  density: number,
  random: TorchRandom,
): Float32Array {
  if (prune === 'magnitude') return largest(values, Math.trunc(density * values.length));
  if (prune === 'none') return values;
  const threshold = Math.fround(density);
  // What is left is scaled up, so that the expected value stays.
  return values.map((value) => (random.uniform() < threshold ? value / threshold : 0));
}

/** The `count` values of the largest magnitude; the others are 0. */
function largest(values: Float32Array, count: number): Float32Array {
  if (count === 0) return new Float32Array(values.length);
  const least = values.map(Math.abs).sort()[values.length - count]!;
  // Of equal ones the first, so that there are exactly as many.
  let equal = count - values.reduce((above, value) => above + (Math.abs(value) > least ? 1 : 0), 0);
  return values.map((value) => {
    const size = Math.abs(value);
    return size > least || (size === least && equal-- > 0) ? value : 0;
  });
}
