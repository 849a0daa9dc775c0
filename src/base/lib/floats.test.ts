import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectGraftError } from '../../testing/errors.ts';
import { bf16ToF32, decodeFloats, encodeFloats, f16ToF32, f32ToBf16, f32ToF16 } from './floats.ts';

const allHalves = Uint16Array.from({ length: 65536 }, (_, i) => i);
const bits = (values: Float32Array): Uint32Array =>
  new Uint32Array(values.buffer, values.byteOffset, values.length);

/** The value of a small float format by its definition, in f64. */
function valueOf(pattern: number, exponentBits: number, mantissaBits: number): number {
  const sign = pattern >>> (exponentBits + mantissaBits) ? -1 : 1;
  const exponent = (pattern >>> mantissaBits) & (2 ** exponentBits - 1);
  const mantissa = pattern & (2 ** mantissaBits - 1);
  const bias = 2 ** (exponentBits - 1) - 1;
  if (exponent === 2 ** exponentBits - 1) return mantissa === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * mantissa * 2 ** (1 - bias - mantissaBits);
  return sign * (1 + mantissa / 2 ** mantissaBits) * 2 ** (exponent - bias);
}

/** Rounds by search among the format's own magnitudes: nearest, a tie goes to the even pattern. */
function roundBySearch(x: number, exponentBits: number, mantissaBits: number): number {
  const sign = x < 0 || Object.is(x, -0) ? 1 << (exponentBits + mantissaBits) : 0;
  const infinity = (2 ** exponentBits - 1) << mantissaBits;
  // Above the largest finite value the next step would be 2^(emax+1); rounding treats it as that, then calls it infinity.
  const magnitudeOf = (p: number): number =>
    p === infinity ? 2 ** (2 ** (exponentBits - 1)) : valueOf(p, exponentBits, mantissaBits);
  const magnitude = Math.abs(x);
  let low = 0;
  let high = infinity;
  if (magnitude >= magnitudeOf(infinity)) return sign | infinity;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (magnitudeOf(middle) <= magnitude) low = middle;
    else high = middle;
  }
  const below = magnitude - magnitudeOf(low);
  const above = magnitudeOf(high) - magnitude;
  return sign | (below < above || (below === above && low % 2 === 0) ? low : high);
}

describe.each([
  { dtype: 'F16', exponentBits: 5, mantissaBits: 10, widen: f16ToF32, narrow: f32ToF16 },
  { dtype: 'BF16', exponentBits: 8, mantissaBits: 7, widen: bf16ToF32, narrow: f32ToBf16 },
])('$dtype', ({ dtype, exponentBits, mantissaBits, widen, narrow }) => {
  it('widens all 65,536 patterns to the value of their definition', () => {
    const values = widen(allHalves);
    const wrong = [...allHalves].filter((p) => !Object.is(values[p], valueOf(p, exponentBits, mantissaBits)));
    expect(wrong).toEqual([]);
  });

  it('gives every pattern back after a trip through f32, and NaN stays NaN', () => {
    const back = narrow(widen(allHalves));
    const isNaN = (p: number): boolean => Number.isNaN(valueOf(p, exponentBits, mantissaBits));
    const wrong = [...allHalves].filter((p) => (isNaN(p) ? !isNaN(back[p]!) : back[p] !== p));
    expect(wrong).toEqual([]);
  });

  it('keeps every NaN of f32 a NaN, whatever its payload', () => {
    const payloads = new Uint32Array([
      0x7f800001, 0x7fffffff, 0xff800001, 0xffffffff, 0x7fc00000, 0x7f801fff,
    ]);
    for (const pattern of narrow(new Float32Array(payloads.buffer))) {
      expect(valueOf(pattern, exponentBits, mantissaBits)).toBeNaN();
    }
  });

  it('rounds to nearest, ties to even, at and around every midpoint', () => {
    const values: number[] = [];
    const finite = (2 ** exponentBits - 1) << mantissaBits;
    for (let p = 0; p < finite; p++) {
      const next =
        p + 1 === finite ? 2 ** (2 ** (exponentBits - 1)) : valueOf(p + 1, exponentBits, mantissaBits);
      const middle = new Float32Array([(valueOf(p, exponentBits, mantissaBits) + next) / 2]);
      const neighbours = new Float32Array(3).fill(middle[0]!);
      bits(neighbours)[0]! -= 1;
      bits(neighbours)[2]! += 1;
      values.push(...neighbours);
    }
    const inputs = new Float32Array(values.flatMap((x) => [x, -x]));
    const rounded = narrow(inputs);
    const wrong = [...inputs].filter((x, i) => rounded[i] !== roundBySearch(x, exponentBits, mantissaBits));
    expect(wrong).toEqual([]);
  });

  it('rounds any f32 as a search among the format’s values does', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true }), (x) => {
        expect(narrow(new Float32Array([x]))[0]).toBe(roundBySearch(x, exponentBits, mantissaBits));
      }),
      { numRuns: 2000 },
    );
  });

  it('decodes and encodes little-endian bytes at any offset', () => {
    const stored = Uint16Array.from(allHalves.subarray(0, 1000), (_, i) => i * 31);
    const bytes = new Uint8Array(2001);
    stored.forEach((p, i) => bytes.set([p & 255, p >>> 8], 1 + 2 * i));
    const values = decodeFloats(bytes.subarray(1), dtype);
    expect(bits(values)).toEqual(bits(widen(stored)));
    expect(encodeFloats(values, dtype)).toEqual(bytes.subarray(1));
  });
});

describe('F32', () => {
  it('keeps every bit, at any offset', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 64, maxLength: 64 }), fc.nat(8), (bytes, offset) => {
        const part = bytes.subarray(offset, offset + 40);
        expect(encodeFloats(decodeFloats(part, 'F32'), 'F32')).toEqual(part);
      }),
    );
  });
});

describe('errors', () => {
  it('name the tensor and its dtype', async () => {
    await expectGraftError(() => decodeFloats(new Uint8Array(8), 'I64', 'ids'), 'formats.dtype_not_float', {
      tensor: 'ids',
      dtype: 'I64',
    });
    await expectGraftError(
      () => encodeFloats(new Float32Array(1), 'F8_E4M3', 'w'),
      'formats.dtype_not_float',
    );
    await expectGraftError(() => decodeFloats(new Uint8Array(7), 'BF16', 'w'), 'formats.ragged_bytes', {
      tensor: 'w',
    });
  });
});
