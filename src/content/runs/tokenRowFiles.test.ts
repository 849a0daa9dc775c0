import { expect, it } from 'vitest';
import { randomRows, weighted } from '../../testing/passes.ts';
import { readTokenRows, tokenRowFiles } from './tokenRowFiles.ts';

const rows = randomRows([5, 3, 7]);

it('preserves weights, and has no file of absent ones', async () => {
  for (const original of [rows, weighted(rows)]) {
    const files = tokenRowFiles('train', original);
    expect(files.map(({ name }) => name)).toEqual([
      'train.ids',
      'train.labels',
      'train.offsets',
      ...(original.weights ? ['train.weights'] : []),
    ]);
    expect(await readTokenRows('train', files)).toEqual(original);
    expect(await readTokenRows('eval', files)).toBeNull();
  }
});
