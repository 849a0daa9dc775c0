import { expect, it } from 'vitest';
import { deviation, periodsOf, type Sample } from './flatness.ts';

const sample = (minute: number, period: number, steps: number, pageBytes = 100e6): Sample => ({
  minute,
  period,
  steps,
  pageBytes,
  gpuBytes: 50e6,
  gpuSeconds: steps / 10,
});

it('sums up the time between reloads', () => {
  const samples = [
    sample(1, 0, 100),
    sample(2, 0, 160, 130e6),
    sample(3, 0, 220),
    sample(4, 1, 220),
    sample(6, 1, 300),
  ];
  expect(periodsOf(samples)).toEqual([
    { minutes: 2, steps: 120, stepMs: 1000, processorMs: 100, pageMB: 100, gpuMB: 50 },
    { minutes: 2, steps: 80, stepMs: 1500, processorMs: 100, pageMB: 100, gpuMB: 50 },
  ]);
});

it('leaves out a period in which nothing was trained', () => {
  expect(periodsOf([sample(1, 0, 100), sample(2, 0, 100)])).toEqual([]);
});

it('measures the largest deviation from the median', () => {
  expect(deviation([100, 100, 104, 98])).toBeCloseTo(0.04, 12);
  expect(deviation([100, 100, 100, 90])).toBeCloseTo(0.1, 12);
});
