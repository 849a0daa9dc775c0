/**
 * One row of a dataset as it is in the file. `value` may own keys such as `__proto__`: read fields with
 * `Object.hasOwn`.
 */
export interface Row {
  /** Line number where the row starts, from 1. */
  line: number;
  /**
   * Its fields. Integral floats are boxed `Number`s and integers beyond 2^53 − 1 bigints (see exactJson.ts); bytes of a
   * Parquet file that are not text are {@link bytesMark}s.
   */
  value: Record<string, unknown>;
}

/** Stands for `length` bytes that are not text. Neither text nor a number, so using the field is an error. */
export function bytesMark(length: number): Record<string, unknown> {
  return { $bytes: length };
}

function isBytesMark(value: object): boolean {
  const entries = Object.entries(value);
  return entries.length === 1 && entries[0]![0] === '$bytes';
}

/** The type of a JSON value for messages: "a list", "null", "a number", … */
export function kindName(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'bigint' || value instanceof Number) return 'a number';
  if (typeof value !== 'object') return `a ${typeof value}`;
  return isBytesMark(value) ? 'bytes that are not text' : 'an object';
}
