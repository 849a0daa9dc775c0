import { expect, it } from 'vitest';
import { randomRows, weighted } from '../testing/passes.ts';
import { readTokenRows, tokenRowFiles } from './tokenRowFiles.ts';

const rows = randomRows([5, 3, 7]);

it('keeps weights, and has no file of those that are not there', async () => {
  for (const kept of [rows, weighted(rows)]) {
    const files = tokenRowFiles('train', kept);
    expect(files.map(({ name }) => name)).toEqual([
      'train.ids',
      'train.labels',
      'train.offsets',
      ...(kept.weights ? ['train.weights'] : []),
    ]);
    expect(await readTokenRows('train', files)).toEqual(kept);
    expect(await readTokenRows('eval', files)).toBeNull();
  }
});
