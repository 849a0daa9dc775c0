import { expect, it } from 'vitest';
import { addToWindow, spikeLimits, type SpikeWindow } from './spikeLimits.ts';

function windowOf(steps: number, of: (i: number) => number): SpikeWindow {
  const window: SpikeWindow = { losses: [], norms: [] };
  for (let i = 0; i < steps; i++) addToWindow(window, of(i), 2 * of(i));
  return window;
}

it('says nothing before 64 steps, and nothing when it is off', () => {
  const of = (i: number) => i % 2;
  expect(spikeLimits(windowOf(63, of), 6)).toBeNull();
  expect(spikeLimits(windowOf(64, of), 0)).toBeNull();
  expect(spikeLimits(windowOf(64, of), 6)).not.toBeNull();
});

it('is so many standard deviations above the mean, of loss and norm each', () => {
  // Half zeros, half ones: mean 1/2, standard deviation 1/2 · √(64 / 63).
  const limits = spikeLimits(
    windowOf(64, (i) => i % 2),
    3,
  )!;
  const deviation = 0.5 * Math.sqrt(64 / 63);
  expect(limits.loss).toBeCloseTo(0.5 + 3 * deviation, 6);
  expect(limits.gradNorm).toBeCloseTo(1 + 6 * deviation, 6);
});

it('looks back on 128 steps, and not on what is not finite', () => {
  const window = windowOf(300, (i) => (i < 172 ? 1000 : 1));
  expect(window.losses).toHaveLength(128);
  expect(spikeLimits(window, 6)).toEqual({ loss: 1, gradNorm: 2 });
  addToWindow(window, Number.NaN, 1);
  addToWindow(window, 1, Infinity);
  expect(window).toEqual(windowOf(128, () => 1));
});

it('gives way to data that has changed for good', () => {
  const window = windowOf(128, (i) => 1 + 0.01 * (i % 2));
  let leftOut = 0;
  while (2 > spikeLimits(window, 6)!.loss) {
    addToWindow(window, 2, 4);
    leftOut += 1;
  }
  expect(leftOut).toBe(4);
});
