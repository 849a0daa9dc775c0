import { expect } from 'vitest';

/** Tolerance of a comparison: |actual − expected| ≤ atol + rtol · |expected|. */
export interface Tolerance {
  atol?: number;
  rtol?: number;
}

/**
 * Expects every element to be within `atol + rtol · |expected|` of its counterpart. Reports how many are not, the worst
 * with its index, and the first, so that a wrong row and a rounding error look different.
 */
export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { atol = 0, rtol = 0 }: Tolerance = {},
): void {
  if (actual.length !== expected.length) {
    expect.fail(`length ${actual.length}, expected ${expected.length}`);
  }
  let wrong = 0;
  let first = -1;
  let worst = -1;
  let worstExcess = 0;
  for (let i = 0; i < expected.length; i++) {
    const excess = excessOver(actual[i]!, expected[i]!, atol, rtol);
    if (excess <= 1) continue;
    wrong++;
    if (first < 0) first = i;
    if (excess > worstExcess) {
      worst = i;
      worstExcess = excess;
    }
  }
  if (wrong > 0) {
    const describe = (i: number) =>
      `[${i}] is ${actual[i]}, expected ${expected[i]} (off by ${Math.abs(actual[i]! - expected[i]!).toExponential(2)})`;
    expect.fail(
      `${wrong} of ${expected.length} elements are not within ${atol} + ${rtol}·|expected|; ` +
        `worst ${describe(worst)}, ${worstExcess.toPrecision(3)} times the tolerance` +
        (first === worst ? '' : `; first ${describe(first)}`),
    );
  }
  // Counts as an assertion, so that a test that compares nothing can be distinguished from a passing one.
  expect(wrong).toBe(0);
}

/** The error in units of the tolerance: ≤ 1 is close; infinite for a NaN or an infinity on one side only. */
function excessOver(actual: number, expected: number, atol: number, rtol: number): number {
  if (Object.is(actual, expected) || actual === expected) return 0;
  const error = Math.abs(actual - expected);
  if (!Number.isFinite(error)) return Infinity;
  return error / (atol + rtol * Math.abs(expected));
}

/**
 * Reproducible numbers, uniform in [−scale, scale): the same seed gives the same array on every machine
 * (mulberry32).
 */
export function randomArray(seed: number, length: number, scale = 1): Float32Array<ArrayBuffer> {
  const next = randomIntegers(seed);
  return Float32Array.from({ length }, () => ((next() / 2 ** 32) * 2 - 1) * scale);
}

/** A reproducible stream of integers, uniform in [0, 2³²) (mulberry32). */
export function randomIntegers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
}
