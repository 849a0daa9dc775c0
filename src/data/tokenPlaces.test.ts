import { expect, it } from 'vitest';
import { placesOfTokens } from './tokenPlaces.ts';

it('lists each token once, with its places in order', () => {
  const { tokens, starts, places } = placesOfTokens(Uint32Array.of(7, 3, 7, 0, 3, 7));
  expect([...tokens]).toEqual([0, 3, 7]);
  expect([...starts]).toEqual([0, 1, 3, 6]);
  expect([...places]).toEqual([3, 1, 4, 0, 2, 5]);
});

it('takes an empty list', () => {
  expect([...placesOfTokens(new Uint32Array()).starts]).toEqual([0]);
});
