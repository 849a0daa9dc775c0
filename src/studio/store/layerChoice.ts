import type { Recipe } from '../../base/config/recipe.ts';

/** Ways to select blocks of a model for an adapter. */
export const layerKinds = ['all', 'last', 'upper', 'other', 'range'] as const;
export type LayerKind = (typeof layerKinds)[number];

/**
 * The blocks of a selection: all, the last `count`, the upper half, or every other one (including the last); a range
 * stays as typed.
 */
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

/** The kind of selection that gives these blocks, with the count for `last`. The first match wins. */
export function layerKindOf(chosen: Recipe['layers'], layers: number): { kind: LayerKind; count: number } {
  if (chosen === 'all') return { kind: 'all', count: Math.min(4, layers) };
  const same = (other: Recipe['layers']) => JSON.stringify(other) === JSON.stringify(chosen);
  const found = (['upper', 'other', 'last'] as const).find((kind) =>
    same(layersOf(kind, layers, chosen.length)),
  );
  return { kind: found ?? 'range', count: chosen.length };
}
