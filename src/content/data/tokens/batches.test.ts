import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planSteps, type PlanOptions } from './batches.ts';
import { buildMicroBatch } from './microBatch.ts';
import { packRows } from './packing.ts';
import { splitDataset, splitRows } from './split.ts';
import { tokenRowsOf } from './tokenRows.ts';

const plan = (lengths: number[], options: Partial<PlanOptions> = {}) =>
  planSteps({
    lengths,
    batchSize: 2,
    gradAccum: 2,
    shuffle: false,
    packing: false,
    maxLength: 64,
    seed: 1,
    ...options,
  });
const range = (n: number) => Array.from({ length: n }, (_, i) => i);
const steps = (p: ReturnType<typeof planSteps>, from: number, count: number) =>
  range(count).map((i) => p.step(from + i));

const anyPlan = fc.record({
  lengths: fc.array(fc.integer({ min: 1, max: 64 }), { minLength: 1, maxLength: 150 }),
  batchSize: fc.integer({ min: 1, max: 5 }),
  gradAccum: fc.integer({ min: 1, max: 4 }),
  shuffle: fc.boolean(),
  packing: fc.boolean(),
  seed: fc.integer(),
});

describe('steps', () => {
  test('every epoch uses every row once, in batches of the right size', () => {
    fc.assert(
      fc.property(anyPlan, ({ lengths, ...options }) => {
        const p = plan(lengths, { ...options, epochs: 2 });
        expect(p.steps).toBe(2 * p.stepsPerEpoch);
        for (const epoch of [0, 1]) {
          const taken = steps(p, epoch * p.stepsPerEpoch, p.stepsPerEpoch);
          expect(taken.flat(3).sort((a, b) => a - b)).toEqual(range(lengths.length));
          for (const [i, step] of taken.entries()) {
            expect(step.length).toBeGreaterThan(0);
            expect(step.length).toBeLessThanOrEqual(options.gradAccum);
            // Only the last step of an epoch may be smaller.
            if (i < taken.length - 1) {
              expect(step.map((micro) => micro.length)).toEqual(
                range(options.gradAccum).map(() => options.batchSize),
              );
            }
            for (const row of step.flat()) {
              expect(row.length === 1 || options.packing).toBe(true);
              expect(row.reduce((sum, r) => sum + (lengths[r] ?? 0), 0)).toBeLessThanOrEqual(64);
            }
          }
        }
      }),
    );
  });

  test('steps can be computed in any order, and the same seed gives the same plan', () => {
    fc.assert(
      fc.property(
        anyPlan,
        fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 10 }),
        ({ lengths, ...options }, asked) => {
          const used = plan(lengths, { ...options, maxSteps: 41 });
          for (const i of asked)
            expect(used.step(i)).toEqual(plan(lengths, { ...options, maxSteps: 41 }).step(i));
        },
      ),
    );
  });

  test('file order without shuffling, wrapping at the end of the data', () => {
    const p = plan(
      range(6).map(() => 5),
      { maxSteps: 4 },
    );
    expect(p.steps).toBe(4);
    expect(steps(p, 0, 4)).toEqual([
      [
        [[0], [1]],
        [[2], [3]],
      ],
      [[[4], [5]]],
      [
        [[0], [1]],
        [[2], [3]],
      ],
      [[[4], [5]]],
    ]);
    expect(plan([1, 1, 1, 1, 1], { epochs: 1.5 }).steps).toBe(3);
    expect(plan([1, 1, 1, 1, 1], { epochs: 2, maxSteps: 0 }).steps).toBe(4);
    expect(plan([], { epochs: 3 }).steps).toBe(0);
  });

  test('shuffling: longest row first, similar lengths together, a different order per epoch and seed', () => {
    const lengths = range(200).map((i) => 1 + ((i * 37) % 64));
    const p = plan(lengths, { shuffle: true, epochs: 2 });
    expect(lengths[p.step(0)[0]?.[0]?.[0] ?? 0]).toBe(64);
    const spread = (q: ReturnType<typeof planSteps>) =>
      steps(q, 0, q.stepsPerEpoch).map((step) => {
        const own = step.flat(2).map((row) => lengths[row] ?? 0);
        return Math.max(...own) - Math.min(...own);
      });
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(spread(p))).toBeLessThan(mean(spread(plan(lengths))) / 2);
    expect(steps(p, 0, p.stepsPerEpoch)).not.toEqual(steps(p, p.stepsPerEpoch, p.stepsPerEpoch));
    expect(p.step(1)).not.toEqual(plan(lengths, { shuffle: true, seed: 2 }).step(1));
  });
});

describe('packing', () => {
  test('first-fit-decreasing, equal to the naive version', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 120 }), (lengths) => {
        const order = range(lengths.length).sort((a, b) => (lengths[b] ?? 0) - (lengths[a] ?? 0));
        const slow: { rows: number[]; room: number }[] = [];
        for (const row of order) {
          const length = lengths[row] ?? 0;
          let bin = slow.find(({ room }) => room >= length);
          if (!bin) slow.push((bin = { rows: [], room: 40 }));
          bin.rows.push(row);
          bin.room -= length;
        }
        expect(packRows(lengths, order, 40)).toEqual(slow.map(({ rows }) => rows));
      }),
    );
  });

  test('50,000 rows pack tightly', () => {
    const lengths = range(50_000).map((i) => 20 + ((i * 7919) % 700));
    const p = plan(lengths, { packing: true, shuffle: true, maxLength: 2048, batchSize: 1, gradAccum: 1 });
    const total = lengths.reduce((sum, length) => sum + length, 0);
    expect(p.stepsPerEpoch).toBeLessThan((total / 2048) * 1.01);
  });

  test('a row longer than the limit gets its own bin', () => {
    expect(packRows([100, 3, 4], [0, 2, 1], 10)).toEqual([[0], [2, 1]]);
  });
});

describe('micro-batch', () => {
  const data = {
    ids: Int32Array.of(1, 10, 11, 2, 1, 20, 2, 1),
    labels: Int32Array.of(-100, -100, 11, 2, 1, 20, -100, -100),
    weights: null,
    offsets: Uint32Array.of(0, 4, 7, 8),
  };

  test('rows are concatenated, each its own segment', () => {
    const batch = buildMicroBatch(data, [[1, 0], [2]]);
    expect(batch).toEqual({
      tokens: Uint32Array.of(1, 20, 2, 1, 10, 11, 2, 1),
      positions: Uint32Array.of(0, 1, 2, 0, 1, 2, 3, 0),
      segmentStart: Uint32Array.of(0, 0, 0, 3, 3, 3, 3, 7),
      segmentEnd: Uint32Array.of(3, 3, 3, 7, 7, 7, 7, 8),
      targetRows: Uint32Array.of(0, 4, 5),
      targetIds: Uint32Array.of(20, 11, 2),
      targetWeights: null,
      rows: 3,
    });
  });

  test('weights go with their targets', () => {
    const weights = Float32Array.of(9, 9, 0.5, 2, 9, 0.25, 9, 9);
    expect(buildMicroBatch({ ...data, weights }, [[1, 0], [2]])).toEqual({
      ...buildMicroBatch(data, [[1, 0], [2]]),
      targetWeights: Float32Array.of(0.25, 0.5, 2),
    });
  });

  test('packing changes nothing but the grouping', () => {
    expect(buildMicroBatch(data, [[0, 1, 2]])).toEqual(buildMicroBatch(data, [[0], [1], [2]]));
  });
});

describe('evaluation split', () => {
  test('splits the rows by seed, in file order', () => {
    const { train, eval: held } = splitRows(100, 0.1, 5);
    expect(held.length).toBe(10);
    expect([...train, ...held].sort((a, b) => a - b)).toEqual(range(100));
    expect(held).toEqual([...held].sort((a, b) => a - b));
    expect(splitRows(100, 0.1, 5)).toEqual({ train, eval: held });
    expect(splitRows(100, 0.1, 6).eval).not.toEqual(held);
    expect(splitRows(100, 7, 5).eval.length).toBe(7);
    expect(splitRows(3, 0.01, 5).eval.length).toBe(1);
    expect(splitRows(3, 0, 5)).toEqual({ train: [0, 1, 2], eval: [] });
    expect(() => splitRows(3, 3, 5)).toThrow(expect.objectContaining({ code: 'data.bad_split' }));
    expect(() => splitRows(1, 0.5, 5)).toThrow(expect.objectContaining({ code: 'data.bad_split' }));
  });

  test.each([false, true])('carries every row’s tokens and labels to one side, weights: %s', (weighted) => {
    const rows = range(10).map((i) => ({
      ids: range(i + 1),
      ...(weighted && { weights: range(i + 1).map((t) => (i + t) / 4) }),
      labels: range(i + 1).map((t) => (t ? t : -100)),
    }));
    const { train, evaluation } = splitDataset(tokenRowsOf(rows), 3, 1);
    const back = [train, evaluation].flatMap((part) =>
      range((part?.offsets.length ?? 1) - 1).map((row) => ({
        ids: [...(part?.ids.subarray(part.offsets[row], part.offsets[row + 1]) ?? [])],
        labels: [...(part?.labels.subarray(part.offsets[row], part.offsets[row + 1]) ?? [])],
        ...(part?.weights && {
          weights: [...part.weights.subarray(part.offsets[row], part.offsets[row + 1])],
        }),
      })),
    );
    expect(evaluation?.offsets.length).toBe(4);
    expect(back.sort((a, b) => a.ids.length - b.ids.length)).toEqual(rows);
    expect(splitDataset(train, 0, 1)).toEqual({ train, evaluation: null });
  });
});
