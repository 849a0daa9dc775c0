import { expect, it } from 'vitest';
import { createRandom } from '../../base/lib/random.ts';
import { changeOf, MovingAverage, suggestLr, type LrPoint } from './lrSuggestion.ts';

/** A sweep of 100 rates from 1e-6 to 1 whose change of the loss is a function of the logarithm of the rate. */
function sweep(change: (exponent: number) => number): LrPoint[] {
  return Array.from({ length: 100 }, (_, i) => {
    const exponent = -6 + (6 * i) / 99;
    return { lr: 10 ** exponent, loss: 1 + change(exponent), change: change(exponent), smoothed: 0 };
  });
}

/** Flat up to 1e-5, falling to 1e-2 and fastest at 1e-3, rising from there. */
const valley = (x: number) =>
  x < -2 ? -0.01 * Math.max(0, x + 5) - 0.3 / (1 + Math.exp(-8 * (x + 3))) : -0.33 + 3 * (x + 2);

const noise = (size: number) => {
  const random = createRandom(7);
  return () => size * (random.next() - 0.5);
};

it('suggests half of the rate where the loss is lowest', () => {
  const { lr, lowest, fall } = suggestLr(sweep(valley))!;
  expect(lr).toBe(lowest / 2);
  expect(Math.abs(Math.log10(lowest) + 2)).toBeLessThan(0.4);
  expect(fall).toBeCloseTo(0.33, 1);
});

it('takes no noise for a fall: neither that of a plateau nor that before the loss falls', () => {
  const flat = noise(0.1);
  expect(suggestLr(sweep(flat))).toBeNull();
  // Flat up to 1e-3, then falling to 2e-2.
  const late = noise(0.05);
  const { lr } = suggestLr(
    sweep((x) => late() - (x < -3 ? 0 : x < -1.7 ? 0.5 * (x + 3) : 0.65 - 6 * (x + 1.7))),
  )!;
  expect(lr).toBeGreaterThan(1e-3);
  expect(lr).toBeLessThan(2e-2);
});

it('compares the loss of rows a model knows with the mean of all', () => {
  expect(changeOf(1.8, 2, 1)).toBeCloseTo(-0.1, 12);
  // The loss of these rows grew to 30 times what it was; it is still a sixth of the others'.
  expect(changeOf(0.15, 0.005, 1)).toBeCloseTo(0.145, 12);
});

it('has nothing to say of a loss that never falls, or of too few steps', () => {
  expect(suggestLr(sweep((x) => 9 + x))).toBeNull();
  expect(suggestLr(sweep(() => 0))).toBeNull();
  expect(suggestLr(sweep((x) => -x - 6).slice(0, 3))).toBeNull();
  expect(suggestLr([])).toBeNull();
});

it('averages without a bias to the start', () => {
  const average = new MovingAverage();
  expect([5, 5, 5].map((value) => average.add(value))).toEqual([5, 5, 5].map((x) => expect.closeTo(x, 12)));
  expect(average.add(1)).toBeGreaterThan(3);
  let last = 0;
  for (let i = 0; i < 200; i++) last = average.add(1);
  expect(last).toBeCloseTo(1, 6);
});
