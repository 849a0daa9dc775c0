import { describe, expect, it } from 'vitest';
import { attentionMemory, attentionTiles } from './attentionTiles.ts';

const headDims = [4, 8, 12, 16, 32, 64, 80, 96, 112, 128, 160, 192, 256, 512];

describe.each(['forward', 'backwardQ', 'backwardKv'] as const)('tiles of %s', (pass) => {
  it.each(headDims)('for heads of %i fit into what every adapter has', (headDim) => {
    for (const type of ['f32', 'f16'] as const) {
      for (const rows of [1, 7, 16, 17, 4096]) {
        const tiles = attentionTiles(pass, headDim, rows, type);
        expect(attentionMemory(pass, tiles, type)).toBeLessThanOrEqual(16384);
        expect(tiles.LANES * tiles.ROW_GROUPS).toBeLessThanOrEqual(256);
        for (const size of Object.values(tiles)) expect(Number.isInteger(size) && size > 0).toBe(true);
      }
    }
  });
});
