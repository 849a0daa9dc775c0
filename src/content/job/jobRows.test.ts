import { describe, expect, it } from 'vitest';
import { createRandom } from '../../base/lib/random.ts';
import { memoryJob } from '../../testing/memoryJob.ts';
import { planSteps } from '../data/tokens/batches.ts';
import { tokenRowsOf, type TokenRow, type TokenRows } from '../data/tokens/tokenRows.ts';
import { rowLengths } from '../data/tokens/tokenize.ts';
import type { Job } from './jobFile.ts';
import { writeRows, writeTable } from './jobRows.ts';
import { readJobRows } from './readJob.ts';
import { parquetRows } from '../data/files/parquetRows.ts';

function randomRows(count: number, weighted = false): TokenRow[] {
  const random = createRandom(3);
  return Array.from({ length: count }, () => {
    const ids = Array.from({ length: 2 + random.below(9) }, () => random.below(70_000));
    const labels = ids.map((id) => (random.next() < 0.4 ? -100 : id));
    return { ids, labels, weights: weighted ? ids.map(() => Math.fround(random.next())) : null };
  });
}

function planOf(rows: TokenRows, packing: boolean, maxSteps: number) {
  const lengths = rowLengths(rows);
  return planSteps({
    lengths,
    batchSize: 3,
    gradAccum: 2,
    shuffle: true,
    packing,
    maxLength: 24,
    seed: 9,
    maxSteps,
  });
}

describe('the rows of a job', () => {
  it.each([
    ['one by one', false, false, 10],
    ['weighted', false, true, 10],
    ['packed', true, true, 7],
    ['with some that no later step takes', false, false, 5],
  ] as const)('are the data set when they are read again: %s', async (_, packed, weighted, steps) => {
    const train = tokenRowsOf(randomRows(26, weighted));
    const evaluation = tokenRowsOf(randomRows(3, weighted));
    const { sink, source, files } = memoryJob();
    await writeRows(sink, train, planOf(train, packed, steps), { from: 4, packed });
    await writeTable(sink, 'eval.parquet', evaluation);
    const listed = [...files.keys()].map((path) => ({ path, size: 0, sha256: '' }));
    const job = { data: { rows: 26, evalRows: 3 }, files: listed } as unknown as Job;
    const read = await readJobRows(source, job);
    expect(read.train).toEqual(train);
    expect(read.evaluation).toEqual(evaluation);
    expect(files.has('done.parquet')).toBe(steps === 5);
  });

  it('are in the order of the plan, with the step and the micro-batch of each', async () => {
    const train = tokenRowsOf(randomRows(10));
    const plan = planOf(train, false, 4);
    const { sink, source } = memoryJob();
    const steps = await writeRows(sink, train, plan, { from: 1, packed: false });
    const found: [number, number, number][] = [];
    for await (const { value } of parquetRows(await source.open('rows/00000.parquet'))) {
      const { step, micro, rows } = value as { step: number; micro: number; rows: number[] };
      found.push([step, micro, rows[0]!]);
    }
    const expected = [2, 3, 4].flatMap((step) =>
      plan.step(step - 1).flatMap((batch, micro) => batch.map(([row]) => [step, micro, row])),
    );
    expect(found).toEqual(expected);
    expect(steps.map(({ step, rows }) => [step, rows])).toEqual([
      [2, 4],
      [3, 6],
      [4, 4],
    ]);
  });

  it('have another hash where a label, the order, or a weight is another', async () => {
    const rows = randomRows(6, true);
    const hashOf = async (changed: TokenRow[]) => {
      const train = tokenRowsOf(changed);
      const plan = {
        steps: 1,
        stepsPerEpoch: 1,
        step: () => [
          [[0], [1]],
          [[2], [3], [4], [5]],
        ],
      };
      return (await writeRows(memoryJob().sink, train, plan, { from: 0, packed: false }))[0]!.sha256;
    };
    const [first, second, ...others] = rows as [TokenRow, TokenRow, ...TokenRow[]];
    const flipped = Array.from(first.labels, (label, i) => (i === 0 ? label + 1 : label));
    const heavier = Array.from(first.weights!, (weight, i) => (i === 0 ? weight + 1 : weight));
    const hashes = await Promise.all(
      [
        rows,
        [{ ...first, labels: flipped }, second, ...others],
        [second, first, ...others],
        [{ ...first, weights: heavier }, second, ...others],
      ].map(hashOf),
    );
    expect(new Set(hashes).size).toBe(4);
  });
});
