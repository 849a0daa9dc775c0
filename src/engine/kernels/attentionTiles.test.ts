import { describe, expect, it } from 'vitest';
import { attentionMemory, attentionTiles, tileConstants } from './attentionTiles.ts';

const headDims = [4, 8, 12, 16, 32, 64, 80, 96, 112, 128, 160, 192, 256, 512];

describe.each(['forward', 'backwardQ', 'backwardKv'] as const)('tiles of %s', (pass) => {
  it.each(headDims)('for heads of %i fit into the workgroup memory of every adapter', (headDim) => {
    for (const rows of [1, 7, 16, 17, 4096]) {
      const tiles = attentionTiles({ pass, headDim, rows, queries: rows, kvHeads: 2 });
      expect(attentionMemory(tiles, headDim)).toBeLessThanOrEqual(16384);
      expect(tiles.LANES * tiles.ROW_GROUPS).toBeLessThanOrEqual(256);
      expect(tiles.PER_LANE % tiles.ROUND).toBe(0);
      expect((tiles.LANES * tiles.ROUND) % tiles.STEP).toBe(0);
      const { CHUNK, PARTS, ...sizes } = tileConstants(tiles, headDim) as Record<string, number>;
      expect((headDim / 4) % CHUNK!).toBe(0);
      expect(tiles.STEP % tiles.UNROLL).toBe(0);
      expect(PARTS! * tiles.LANES * tiles.COLUMNS).toBeGreaterThanOrEqual(headDim / 4);
      for (const size of Object.values(sizes)) expect(Number.isInteger(size) && size > 0).toBe(true);
    }
  });
});

it('gives every core of a GPU a workgroup where smaller tiles can', () => {
  const keys = { pass: 'backwardKv', headDim: 64, kvHeads: 2 } as const;
  const owned = (rows: number) => 4 * attentionTiles({ ...keys, rows, queries: 7 * rows }).ROW_GROUPS;
  expect([128, 1024, 2048, 4096, 8192].map(owned)).toEqual([16, 16, 32, 64, 64]);
});
