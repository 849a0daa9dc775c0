import { expect, it } from 'vitest';
import { evalSizeOf } from './evaluationSplit.ts';

it.each([
  ['auto', 0, 0],
  ['auto', 49, 0],
  ['auto', 50, 5],
  ['auto', 89, 9],
  ['auto', 240, 24],
  ['auto', 500, 50],
  ['auto', 1_000_000, 50],
  [0, 1000, 0],
  [0.2, 10, 0.2],
] as const)('%s of %i rows holds out %d', (fraction, rows, held) => {
  expect(evalSizeOf(fraction, rows)).toBe(held);
});
