import { expect, it } from 'vitest';
import { positionsByToken } from './tokenPositions.ts';

it('lists each token once, with its positions in order', () => {
  const { tokens, starts, positions } = positionsByToken(Uint32Array.of(7, 3, 7, 0, 3, 7));
  expect([...tokens]).toEqual([0, 3, 7]);
  expect([...starts]).toEqual([0, 1, 3, 6]);
  expect([...positions]).toEqual([3, 1, 4, 0, 2, 5]);
});

it('accepts an empty list', () => {
  expect([...positionsByToken(new Uint32Array()).starts]).toEqual([0]);
});
