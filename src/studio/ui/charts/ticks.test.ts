import { describe, expect, it } from 'vitest';
import { linearTicks, logTicks, stepTicks } from './ticks.ts';

describe('ticks', () => {
  it.each([
    [0, 10, 5, [0, 2, 4, 6, 8, 10]],
    [0, 1, 5, [0, 0.2, 0.4, 0.6, 0.8, 1]],
    [1.3, 4.8, 4, [2, 3, 4]],
    [-1, 1, 4, [-1, -0.5, 0, 0.5, 1]],
    [0.00012, 0.00031, 4, [0.00015, 0.0002, 0.00025, 0.0003]],
    [3, 3, 5, [3]],
    [NaN, NaN, 5, []],
  ])('linear from %f to %f, about %i', (min, max, most, expected) => {
    expect(linearTicks(min, max, most)).toEqual(expected);
  });

  it.each([
    [1, 60, 6, [10, 20, 30, 40, 50, 60]],
    [1, 3, 8, [1, 2, 3]],
    [7, 8, 8, [7, 8]],
    [0, 100_000, 5, [0, 20_000, 40_000, 60_000, 80_000, 100_000]],
  ])('steps from %i to %i, about %i', (min, max, most, expected) => {
    expect(stepTicks(min, max, most)).toEqual(expected);
  });

  it.each([
    ['a decade', 1, 10, 6, [1, 2, 5, 10]],
    ['six decades have their powers alone', 1e-4, 100, 8, [1e-4, 1e-3, 0.01, 0.1, 1, 10, 100]],
    ['twelve decades have every second', 1e-6, 1e6, 7, [1e-6, 1e-4, 1e-2, 1, 100, 1e4, 1e6]],
    ['less than a decade is linear', 1.3, 4.8, 6, [2, 3, 4]],
    ['a small part of a decade is linear', 1.1, 1.4, 6, [1.1, 1.2, 1.3, 1.4]],
    ['what is not positive has none', 0, 10, 6, []],
  ] as [string, number, number, number, number[]][])('logarithmic: %s', (_, min, max, most, expected) => {
    expect(logTicks(min, max, most)).toEqual(expected);
  });
});
