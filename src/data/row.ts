/** One row of a dataset as the file has it. `value` may own keys such as `__proto__`: read fields with `Object.hasOwn`. */
export interface Row {
  /** Line of the file where the row starts, from 1. */
  line: number;
  value: Record<string, unknown>;
}

/** What a JSON value is, for messages: "a list", "null", "a number", … */
export function kindName(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
