import { describe, expect, it } from 'vitest';
import { expectClose, randomArray } from './compare.ts';

describe('expectClose', () => {
  it('accepts what is within the tolerance', () => {
    expectClose([1, 1000.5, NaN, Infinity], [1.05, 1000, NaN, Infinity], { atol: 0.1, rtol: 1e-3 });
  });

  it('reports the worst and the first mismatching element', () => {
    expect(() => expectClose([1, 2, 3.5, 9], [1, 2.2, 3.5, 4], { atol: 0.1 })).toThrow(
      /2 of 4 elements .* worst \[3\] is 9, expected 4 .* 50\.0 times .* first \[1\] is 2, expected 2\.2/,
    );
  });

  it.each([
    [NaN, 1],
    [1, NaN],
    [Infinity, 1],
    [-Infinity, Infinity],
    [1e-30, 0],
  ])('rejects %d for %d', (actual, expected) => {
    expect(() => expectClose([actual], [expected], { rtol: 1 })).toThrow(/1 of 1 elements/);
  });

  it('rejects another length', () => {
    expect(() => expectClose([], [1], { atol: 1 })).toThrow('length 0, expected 1');
  });
});

describe('randomArray', () => {
  it('is reproducible, differs by seed, and fills [−scale, scale)', () => {
    const a = randomArray(1, 1000, 2);
    expect(randomArray(1, 1000, 2)).toEqual(a);
    expect(randomArray(2, 1000, 2)).not.toEqual(a);
    expect(Math.min(...a)).toBeGreaterThanOrEqual(-2);
    expect(Math.max(...a)).toBeLessThan(2);
    expect(Math.max(...a) - Math.min(...a)).toBeGreaterThan(3.9);
    expect(Math.abs(a.reduce((sum, x) => sum + x, 0) / 1000)).toBeLessThan(0.1);
  });
});
