import { randomBits } from './dropout.ref.ts';

/** The noise of `embeddingNoise` [rows, columns] in f64, of rows of which each is a segment of its own length. */
export function embeddingNoiseRef(
  lengths: readonly number[],
  columns: number,
  alpha: number,
  seed: number,
): Float64Array {
  const tokens = lengths.flatMap((length) => Array.from({ length }, () => length));
  return Float64Array.from({ length: tokens.length * columns }, (_, i) => {
    const bound = alpha / Math.sqrt(tokens[Math.floor(i / columns)]! * columns);
    return bound * ((randomBits(seed, i) >>> 8) / 2 ** 23 - 1);
  });
}
