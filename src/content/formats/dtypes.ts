/** Bits per element of every dtype of safetensors (safetensors 0.6, `Dtype::bitsize`). */
const bits = {
  BOOL: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  C64: 64,
  F64: 64,
  I64: 64,
  U64: 64,
} as const;

/** A dtype of safetensors. A header may hold others (from newer writers): those are copied, not computed with. */
export type Dtype = keyof typeof bits;

/** The dtypes Graft computes with. */
export const floatDtypes = ['F32', 'F16', 'BF16'] as const;
export type FloatDtype = (typeof floatDtypes)[number];

/** Whether `dtype` is one whose size is known. */
export function isDtype(dtype: string): dtype is Dtype {
  return Object.hasOwn(bits, dtype);
}

/** Bits of one element; F4 and F6 share bytes between elements. */
export function bitsOf(dtype: Dtype): number {
  return bits[dtype];
}

/** The product of `factors`, or undefined as soon as it passes 2^53 − 1 and could no longer be exact. */
export function exactProduct(factors: readonly number[]): number | undefined {
  let product = 1;
  for (const factor of factors) {
    if (factor !== 0 && product > Math.floor(Number.MAX_SAFE_INTEGER / factor)) return undefined;
    product *= factor;
  }
  return product;
}
