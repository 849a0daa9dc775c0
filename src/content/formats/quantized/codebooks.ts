import type { Codebook } from './types.ts';

/** Elements that share an absmax in NF4, as in QLoRA. */
export const nf4BlockSize = 64;

/** Blocks that share an absmax of their absmax. */
export const nestedBlockSize = 256;

const nf4 = [
  -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
  -0.18477343022823334, -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725,
  0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1,
];

/** A sign bit, then a float of two bits exponent and one bit mantissa, over its largest value. */
const fp4 = [0, 0.0625, 8, 12, 4, 6, 2, 3].map((value) => value / 12);

/**
 * What code 0 … 15 stands for, f32 [16], equal to bitsandbytes' `get_4bit_type` to the bit (0.50, functional.py).
 * NF4 is in ascending order, FP4 is not; both of its codes 0 and 8 are zero.
 */
export const codebooks: Readonly<Record<Codebook, Float32Array<ArrayBuffer>>> = {
  nf4: Float32Array.from(nf4),
  fp4: Float32Array.from([...fp4, ...fp4.map((value) => (value === 0 ? 0 : -value))]),
};
