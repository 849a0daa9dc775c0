import { expect, it } from 'vitest';
import { agree, bestOf, type Trial } from './tuneProduct.ts';

const usual: Trial = { variant: 'tile 64x64', seconds: 1, equal: true };
const other = (seconds: number, equal = true): Trial => ({ variant: 'tile 32x64', seconds, equal });

it('chooses another kernel only if it is a tenth faster and its result is equal', () => {
  expect(bestOf([usual, other(0.89)])).toBe('tile 32x64');
  expect(bestOf([usual, other(0.91)])).toBe('tile 64x64');
  expect(bestOf([usual, other(0.1, false)])).toBe('tile 64x64');
  expect(bestOf([usual, other(0.8), { variant: 'tile 64x128', seconds: 0.7, equal: true }])).toBe(
    'tile 64x128',
  );
});

it('treats results as equal that differ only by the order of summation', () => {
  const sizes = { k: 1024, c: 'f32' } as const;
  const values = Float32Array.from({ length: 100 }, (_, i) => Math.sin(i) * 50);
  const off = (by: number) => [values.map((value, i) => (i === 7 ? value + by : value))];
  expect(agree([values], off(0), sizes)).toBe(true);
  expect(agree([values], off(1e-4), sizes)).toBe(true);
  expect(agree([values], off(1e-2), sizes)).toBe(false);
  expect(agree([values], off(1e-2), { ...sizes, c: 'f16' })).toBe(true);
  expect(agree([values], off(NaN), sizes)).toBe(false);
  expect(agree([values], off(Infinity), sizes)).toBe(false);
});
