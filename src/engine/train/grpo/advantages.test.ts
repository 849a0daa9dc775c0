import { describe, expect, it } from 'vitest';
import { advantagesOf } from './advantages.ts';

const of = (rewards: (number | null)[]) => rewards.map((reward) => [reward]);

describe('advantages', () => {
  it('are distances from the mean of the group in deviations of a sample, as in TRL', () => {
    const { rewards, advantages, withoutSpread, groups } = advantagesOf(
      of([1, 0, 0, 1, 3, 0, 0, 0]),
      [1],
      4,
      'group',
    );
    expect(rewards).toEqual([1, 0, 0, 1, 3, 0, 0, 0]);
    const deviation = Math.sqrt(1 / 3);
    expect(advantages.slice(0, 4)).toEqual(
      [0.5, -0.5, -0.5, 0.5].map((distance) => distance / (deviation + 1e-4)),
    );
    expect(advantages[4]).toBeCloseTo(2.25 / (1.5 + 1e-4), 12);
    expect([withoutSpread, groups]).toEqual([0, 2]);
  });

  it('are divided by the deviation of all completions, or by nothing', () => {
    const scores = of([1, 0, 4, 2]);
    const mean = 7 / 4;
    const all = Math.sqrt([1, 0, 4, 2].reduce((sum, reward) => sum + (reward - mean) ** 2, 0) / 3);
    const divided = [0.5, -0.5, 1, -1];
    expect(advantagesOf(scores, [1], 2, 'batch').advantages).toEqual(
      divided.map((distance) => distance / (all + 1e-4)),
    );
    expect(advantagesOf(scores, [1], 2, 'none').advantages).toEqual(divided);
  });

  it('are exactly 0 where all completions of a group have the same reward', () => {
    // Their mean is 0.10000000000000002.
    const { advantages, withoutSpread } = advantagesOf(of([0.1, 0.1, 0.1]), [1], 3, 'none');
    expect(advantages).toEqual([0, 0, 0]);
    expect(withoutSpread).toBe(1);
  });

  it('weighs rewards, and leaves those without an opinion out', () => {
    const { rewards, advantages } = advantagesOf(
      [
        [1, null],
        [0.5, 2],
        [null, null],
      ],
      [2, -1],
      3,
      'none',
    );
    expect(rewards).toEqual([2, -1, null]);
    // The mean is of those that were rewarded.
    expect(advantages).toEqual([1.5, -1.5, 0]);
  });
});
