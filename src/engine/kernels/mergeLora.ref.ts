import type { FloatFormat } from './weight.ts';

/** Mantissa bits including the hidden one, smallest normal exponent, and the value at which rounding overflows. */
const formats = {
  f32: { digits: 24, minExponent: -126, overflow: 2 ** 128 * (1 - 2 ** -25) },
  f16: { digits: 11, minExponent: -14, overflow: 65520 },
  bf16: { digits: 8, minExponent: -126, overflow: 2 ** 128 * (1 - 2 ** -9) },
} as const;

/** Distance between adjacent values at `value` in a format. */
export function ulpOf(value: number, format: FloatFormat): number {
  const { digits, minExponent } = formats[format];
  const magnitude = Math.abs(value) || 2 ** minExponent;
  let exponent = Math.round(Math.log2(magnitude)); // off by at most one
  while (2 ** exponent > magnitude) exponent -= 1;
  while (2 ** (exponent + 1) <= magnitude) exponent += 1;
  return 2 ** (Math.max(exponent, minExponent) - digits + 1);
}

/** `value` rounded once to a format in exact arithmetic: nearest, ties to even, overflow to infinity. */
export function roundTo(value: number, format: FloatFormat): number {
  if (Math.abs(value) >= formats[format].overflow) return value * Infinity;
  const ulp = ulpOf(value, format);
  const steps = Math.floor(value / ulp);
  const rest = value / ulp - steps;
  const up = rest > 0.5 || (rest === 0.5 && Math.abs(steps % 2) === 1);
  return (steps + Number(up)) * ulp;
}

/** w + scale · b · a in f64, unrounded: w [rows, cols], a [rank, cols], b [rows, rank]. */
export function mergeLoraRef(
  w: ArrayLike<number>,
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  cols: number,
  rank: number,
  scale: number,
): Float64Array {
  return Float64Array.from(w, (value, i) => {
    const row = Math.floor(i / cols);
    let delta = 0;
    for (let k = 0; k < rank; k++) delta += b[row * rank + k]! * a[k * cols + (i % cols)]!;
    return value + scale * delta;
  });
}
