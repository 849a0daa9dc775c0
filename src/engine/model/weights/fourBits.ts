import type { MatrixSpec } from '../spec/spec.ts';

/** NF4, and whether its scales are quantized as well. */
export interface FourBits {
  doubleQuant: boolean;
}

/**
 * The 4 bits of a matrix, or null. Scales of experts are not quantized themselves: their offset is per matrix, so that the
 * many matrices of a layer's experts could not be joined.
 */
export function quantizeOf(
  { linear, expert }: Pick<MatrixSpec, 'linear' | 'expert'>,
  quantize: FourBits | null,
): FourBits | null {
  if (!linear || !quantize) return null;
  return { doubleQuant: quantize.doubleQuant && !expert };
}
