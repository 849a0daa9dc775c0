import type { Recipe } from '../config/recipe.ts';

/** Ways to choose blocks of a model for an adapter. */
export const layerKinds = ['all', 'last', 'upper', 'other', 'range'] as const;
export type LayerKind = (typeof layerKinds)[number];

/** The blocks of a way: all, the last `count`, the upper half, every other one (the last included); a range is as typed. */
export function layersOf(kind: Exclude<LayerKind, 'range'>, layers: number, count: number): Recipe['layers'] {
  const from = (first: number) => Array.from({ length: layers - first }, (_, i) => first + i);
  switch (kind) {
    case 'all':
      return 'all';
    case 'last':
      return from(Math.max(0, layers - count));
    case 'upper':
      return from(layers >> 1);
    case 'other':
      return from(0).filter((layer) => (layers - 1 - layer) % 2 === 0);
  }
}

/** Which way gives these blocks; `last` comes with how many. Several may: the first is meant. */
export function layerKindOf(chosen: Recipe['layers'], layers: number): { kind: LayerKind; count: number } {
  if (chosen === 'all') return { kind: 'all', count: Math.min(4, layers) };
  const same = (other: Recipe['layers']) => JSON.stringify(other) === JSON.stringify(chosen);
  const found = (['upper', 'other', 'last'] as const).find((kind) =>
    same(layersOf(kind, layers, chosen.length)),
  );
  return { kind: found ?? 'range', count: chosen.length };
}
