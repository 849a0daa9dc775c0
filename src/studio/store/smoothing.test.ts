import { describe, expect, it } from 'vitest';
import { smoothed, smoothingFor } from './smoothing.ts';

describe('smoothed', () => {
  it.each([
    ['no smoothing is the raw curve', [4, 2, 8], 0, [4, 2, 8]],
    ['the first value is itself at any decay', [4], 0.99, [4]],
    ['a constant curve stays', [3, 3, 3, 3], 0.9, [3, 3, 3, 3]],
    ['weights halve with each step', [4, 1, 7], 0.5, [4, 2, 34 / 7]],
    ['what is no number counts as none', [4, NaN, Infinity, 1], 0.5, [4, 4, 4, 2]],
    ['before the first number there is none', [NaN, 2], 0.5, [NaN, 2]],
  ] as [string, number[], number, number[]][])('%s', (_, values, decay, expected) => {
    const rounded = (curve: number[]) => curve.map((value) => Number(value.toFixed(9)));
    expect(rounded(smoothed(values, decay))).toEqual(rounded(expected));
  });
});

it.each([
  [0, 0.75],
  [60, 0.75],
  [150, 0.9],
  [300, 0.95],
  [100_000, 0.95],
])('a run of %i steps is smoothed with %f', (steps, decay) => {
  expect(smoothingFor(steps)).toBeCloseTo(decay, 12);
});
