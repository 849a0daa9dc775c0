import { expect, it } from 'vitest';
import { formatRate, formatTime } from './figures.ts';

it.each([
  [12_345_678_901_234, '12.3 TFLOP/s'],
  [999_000, '999 kFLOP/s'],
  [5e15, '5 PFLOP/s'],
  [12, '12 FLOP/s'],
  [NaN, '–'],
])('writes a rate of %d as %s', (value, text) => {
  expect(formatRate(value, 'FLOP/s')).toBe(text);
});

it.each([
  [12.345, '12.3 s'],
  [0.0123, '12.3 ms'],
  [0.000_004_56, '4.56 µs'],
  [Infinity, '–'],
])('writes a time of %d s as %s', (value, text) => {
  expect(formatTime(value)).toBe(text);
});
