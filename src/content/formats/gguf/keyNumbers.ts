import { GraftError } from '../../../base/lib/errors.ts';
import type { GgufFile } from './ggufFile.ts';

/**
 * The whole number of a key, at least 1; a list of equal ones counts as one. Throws `formats.gguf_key_missing`,
 * `formats.gguf_value`.
 */
export function size(gguf: GgufFile, key: string, fallback?: number): number {
  const value = gguf.keys.get(key);
  if (typeof value === 'object') {
    const list = gguf.numbers(key) ?? [];
    const [first = 0] = Array.from(list);
    if (Array.from(list).some((item) => item !== first))
      throw gguf.badValue(key, 'it differs from layer to layer, which is not supported');
    return whole(gguf, key, first);
  }
  const number = gguf.number(key) ?? fallback;
  if (number === undefined) throw missing(gguf, key);
  return whole(gguf, key, number);
}

/** A value of a key that has to be a whole number, at least 1. Throws `formats.gguf_value`. */
export function whole(gguf: GgufFile, key: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 1)
    throw gguf.badValue(key, `${value} is no positive whole number`);
  return value;
}

/** The positive number of a key. Throws `formats.gguf_key_missing`, `formats.gguf_value`. */
export function positive(gguf: GgufFile, key: string): number {
  const value = gguf.number(key);
  if (value === null) throw missing(gguf, key);
  if (!(value > 0)) throw gguf.badValue(key, `${value} is not positive`);
  return value;
}

/** The shortest decimal number that rounds to an f32: 1e-5, not 0.000009999999747378752. */
export function shortest(value: number): number {
  for (let digits = 1; digits < 10; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === Math.fround(value)) return short;
  }
  return value;
}

/** The error of a key that is not there. */
export function missing(gguf: GgufFile, key: string): GraftError {
  return new GraftError('formats.gguf_key_missing', { file: gguf.source.name, key });
}
