import { encodeFloats, f32ToF16 } from '../../../base/lib/floats.ts';
import { ggmlType } from './ggmlTypes.ts';
import { quantizeKBlock } from './quantizeK.ts';

/** The types that tensors are written in. */
export type WrittenType =
  'F32' | 'F16' | 'BF16' | 'Q8_0' | 'Q4_0' | 'Q5_0' | 'Q5_1' | 'Q4_K' | 'Q5_K' | 'Q6_K';

const { fround } = Math;
const BLOCK = 32;

/**
 * Writes one block of 32 values: `x` from `from` on into `out` from `to` on. Every operation is rounded to f32 in the order of
 * ggml's reference (`quantize_row_*_ref` in ggml-quants.c), so codes equal its to the bit.
 */
type QuantizeBlock = (x: Float32Array, from: number, out: Uint8Array, to: number) => void;

const single = new Float32Array(1);
function putF16(out: Uint8Array, at: number, value: number): void {
  single[0] = value;
  const bits = f32ToF16(single)[0]!;
  out[at] = bits & 255;
  out[at + 1] = bits >> 8;
}

/** The first value of the largest magnitude. */
function extreme(x: Float32Array, from: number): number {
  let [most, value] = [0, 0];
  for (let i = from; i < from + BLOCK; i++) {
    const size = Math.abs(x[i]!);
    if (size > most) [most, value] = [size, x[i]!];
  }
  return value;
}

const inverse = (d: number): number => (d === 0 ? 0 : fround(1 / d));

/** Codes of the 32 values, two a byte: value i below value i + 16; the fifth bits, where there are, in four bytes. */
function putCodes(out: Uint8Array, at: number, high: number | null, code: (i: number) => number): void {
  for (let i = 0; i < BLOCK / 2; i++) {
    const [a, b] = [code(i), code(i + BLOCK / 2)];
    out[at + i] = (a & 15) | ((b & 15) << 4);
    if (high === null) continue;
    out[high + (i >> 3)]! |= (a >> 4) << (i & 7);
    out[high + 2 + (i >> 3)]! |= (b >> 4) << (i & 7);
  }
}

/** Q4_0 and Q5_0: the largest value gets the lowest code. */
const around =
  (half: number, high: number | null, codes: number): QuantizeBlock =>
  (x, from, out, to) => {
    const d = fround(extreme(x, from) / -half);
    const id = inverse(d);
    putF16(out, to, d);
    const shift = fround(half + 0.5);
    putCodes(out, to + codes, high === null ? null : to + high, (i) =>
      Math.min(2 * half - 1, Math.trunc(fround(fround(x[from + i]! * id) + shift))),
    );
  };

const blocks = {
  Q4_0: around(8, null, 2),
  Q5_0: around(16, 2, 6),
  Q5_1: (x, from, out, to) => {
    let [min, max] = [Infinity, -Infinity];
    for (let i = from; i < from + BLOCK; i++) {
      min = Math.min(min, x[i]!);
      max = Math.max(max, x[i]!);
    }
    const d = fround(fround(max - min) / 31);
    const id = inverse(d);
    putF16(out, to, d);
    putF16(out, to + 2, min);
    putCodes(out, to + 8, to + 4, (i) => Math.trunc(fround(fround(fround(x[from + i]! - min) * id) + 0.5)));
  },
  Q8_0: (x, from, out, to) => {
    const d = fround(Math.abs(extreme(x, from)) / 127);
    const id = inverse(d);
    putF16(out, to, d);
    for (let i = 0; i < BLOCK; i++) out[to + 2 + i] = roundAway(fround(x[from + i]! * id));
  },
} satisfies Record<string, QuantizeBlock>;

/** C's roundf: halves away from zero. */
function roundAway(value: number): number {
  return value < 0 ? -Math.floor(0.5 - value) : Math.floor(value + 0.5);
}

/**
 * Whole rows of f32 values in a type, as ggml's reference quantizes them without an importance matrix. The width of a row
 * must be a multiple of the type's block.
 */
export function quantizeRows(values: Float32Array, type: WrittenType): Uint8Array<ArrayBuffer> {
  if (type === 'F32' || type === 'F16' || type === 'BF16') return encodeFloats(values, type);
  const { block, bytes } = ggmlType(type);
  const count = values.length / block;
  const out = new Uint8Array(count * bytes);
  if (type === 'Q4_K' || type === 'Q5_K' || type === 'Q6_K') {
    for (let i = 0; i < count; i++) quantizeKBlock(type, values, i * block, out, i * bytes);
  } else {
    const put = blocks[type];
    for (let i = 0; i < count; i++) put(values, i * block, out, i * bytes);
  }
  return out;
}
