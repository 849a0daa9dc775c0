import { expect, it } from 'vitest';
import { layerKindOf, layersOf } from './layerChoice.ts';

it('selects blocks in the usual ways, and recognizes them', () => {
  expect(layersOf('last', 6, 2)).toEqual([4, 5]);
  expect(layersOf('last', 3, 9)).toEqual([0, 1, 2]);
  expect(layersOf('upper', 5, 1)).toEqual([2, 3, 4]);
  expect(layersOf('other', 6, 1)).toEqual([1, 3, 5]);
  for (const kind of ['all', 'upper', 'other'] as const) {
    expect(layerKindOf(layersOf(kind, 8, 1), 8).kind).toBe(kind);
  }
  expect(layerKindOf([5, 6, 7], 8)).toEqual({ kind: 'last', count: 3 });
  expect(layerKindOf([0, 7], 8).kind).toBe('range');
});
