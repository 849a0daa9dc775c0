import { describe, expect, it } from 'vitest';
import { isSwapped, tallyVotes, type Vote } from './votes.ts';

const votes = (...preferred: Vote['preferred'][]) => preferred.map((one) => ({ preferred: one }));

describe('votes on two systems', () => {
  it('are counted, with the difference of their shares', () => {
    const { first, second, ties, difference } = tallyVotes(votes('second', 'tie', 'second', 'first'));
    expect([first, second, ties]).toEqual([1, 2, 1]);
    // (2 + ½) / 4 − (1 + ½) / 4
    expect(difference.difference).toBe(0.25);
    expect(difference.low).toBeLessThan(0);
    expect(difference.high).toBeGreaterThan(0.25);
  });

  it('that are all the same have no spread; none have no difference', () => {
    expect(tallyVotes(votes('second', 'second')).difference).toEqual({ difference: 1, low: 1, high: 1 });
    expect(tallyVotes(votes('tie')).difference).toEqual({ difference: 0, low: 0, high: 0 });
    expect(tallyVotes([]).difference.difference).toBeNaN();
  });

  it('are on sides that a seed shuffles, about half of them swapped', () => {
    const lines = Array.from({ length: 400 }, (_, line) => line);
    const swaps = (seed: number, names: [string, string]) =>
      lines.map((line) => isSwapped(seed, line, names));
    const some = swaps(1, ['base', 'tuned']);
    expect(swaps(1, ['base', 'tuned'])).toEqual(some);
    expect(swaps(2, ['base', 'tuned'])).not.toEqual(some);
    expect(swaps(1, ['base', 'other'])).not.toEqual(some);
    const swapped = some.filter(Boolean).length;
    // Six standard deviations.
    expect(Math.abs(swapped - 200)).toBeLessThan(60);
  });
});
