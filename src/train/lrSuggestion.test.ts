import { expect, it } from 'vitest';
import { SmoothedLoss, suggestLr, type LrPoint } from './lrSuggestion.ts';

/** A sweep of 100 rates from 1e-6 to 1 whose loss is a function of the logarithm of the rate. */
function sweep(loss: (exponent: number) => number): LrPoint[] {
  return Array.from({ length: 100 }, (_, i) => {
    const exponent = -6 + (6 * i) / 99;
    return { lr: 10 ** exponent, loss: loss(exponent), smoothed: loss(exponent) };
  });
}

it('finds the middle of the fall, and where it is steepest', () => {
  // Flat up to 1e-5, falling to 1e-2 and fastest at 1e-3, rising from there.
  const points = sweep((x) => {
    if (x < -5) return 3;
    if (x < -2) return 3 - 0.1 * (x + 5) - 1 / (1 + Math.exp(-8 * (x + 3)));
    return 2 + 10 * (x + 2);
  });
  const { valley, steepest } = suggestLr(points)!;
  expect(Math.log10(valley)).toBeCloseTo(-3.5, 0);
  expect(Math.abs(Math.log10(steepest) + 3)).toBeLessThan(0.1);
});

it('has nothing to say of a loss that never falls, or of too few steps', () => {
  expect(suggestLr(sweep((x) => 9 + x))).toBeNull();
  expect(suggestLr(sweep(() => 2))).toBeNull();
  expect(suggestLr(sweep((x) => -x).slice(0, 3))).toBeNull();
  expect(suggestLr([])).toBeNull();
});

it('averages without a bias to the start', () => {
  const average = new SmoothedLoss();
  expect([5, 5, 5].map((loss) => average.add(loss))).toEqual([5, 5, 5].map((x) => expect.closeTo(x, 12)));
  expect(average.add(1)).toBeGreaterThan(3);
  let last = 0;
  for (let i = 0; i < 200; i++) last = average.add(1);
  expect(last).toBeCloseTo(1, 6);
});
