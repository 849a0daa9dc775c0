import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drawnRows, nearestRow, rowFrom } from './drawnRows.ts';

describe('drawnRows', () => {
  it.each([
    ['few rows are all drawn', [5, 1, 9], 0, 3, 2, [0, 1, 2]],
    ['a part of the rows', [5, 1, 9, 4], 1, 3, 10, [1, 2]],
    ['no rows', [], 0, 0, 10, []],
    ['ends, lowest and highest of a column', [3, 1, 9, 4, 2, 5], 0, 6, 1, [0, 1, 2, 5]],
    ['a gap stays', [3, 3, NaN, 3, 3, 3], 0, 6, 1, [0, 2, 5]],
    ['each column for itself', [0, 7, 0, 0, 0, 0, -7, 0], 0, 8, 2, [0, 1, 3, 4, 6, 7]],
    ['nothing but gaps', [NaN, NaN, NaN], 0, 3, 1, [0, 2]],
  ])('%s', (_, values, from, to, columns, rows) => {
    expect(drawnRows(values, from, to, columns)).toEqual(rows);
  });

  it('never loses the lowest or the highest value, and draws at most five rows a column', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ noNaN: true }), { minLength: 1, maxLength: 500 }),
        fc.integer({ min: 1, max: 60 }),
        (values, columns) => {
          const rows = drawnRows(values, 0, values.length, columns);
          const drawn = rows.map((row) => values[row]!);
          expect(Math.min(...drawn)).toBe(Math.min(...values));
          expect(Math.max(...drawn)).toBe(Math.max(...values));
          expect(rows.length).toBeLessThanOrEqual(5 * columns);
          expect(rows).toEqual(rows.toSorted((a, b) => a - b));
        },
      ),
    );
  });

  it('draws 100,000 steps with one spike in 600 columns, the spike among them', () => {
    const values = Float64Array.from({ length: 100_000 }, (_, i) => (i === 73_311 ? 50 : 1 + (i % 7) / 10));
    const rows = drawnRows(values, 0, values.length, 600);
    expect(rows).toContain(73_311);
    expect(rows.length).toBeLessThanOrEqual(2400);
  });
});

it.each([
  [0, 0, 0],
  [10, 0, 0],
  [14, 1, 0],
  [16, 1, 1],
  [20, 1, 1],
  [35, 3, 2],
])('step %i of the steps 10, 20, 30', (step, from, nearest) => {
  expect(rowFrom([10, 20, 30], 3, step)).toBe(from);
  expect(nearestRow([10, 20, 30], 3, step)).toBe(nearest);
});
