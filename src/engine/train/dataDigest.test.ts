import { expect, it } from 'vitest';
import { randomRows, weighted } from '../../testing/passes.ts';
import { dataDigest } from './dataDigest.ts';

const rows = randomRows([5, 3, 7]);

it('distinguishes weights from none, from others, and those of training from those of evaluation', async () => {
  const heavy = weighted(rows);
  const other = { ...heavy, weights: heavy.weights!.map((weight, i) => (i === 4 ? weight + 0.5 : weight)) };
  const digests = [
    await dataDigest(rows, rows),
    await dataDigest(heavy, rows),
    await dataDigest(rows, heavy),
    await dataDigest(other, rows),
  ];
  expect(new Set(digests).size).toBe(4);
});

it('is that of no weights where all are 1, which is the one it was before there were any', async () => {
  const ones = { ...rows, weights: new Float32Array(rows.ids.length).fill(1) };
  const digest = await dataDigest(rows, null);
  expect(await dataDigest(ones, null)).toBe(digest);
  expect(digest).toBe('a7743bc2751a52d1dd373821c3d84e28');
});
