import { spendItems } from './budget.ts';
import { Dict } from './dict.ts';
import { unsupported } from './errors.ts';
import { Float, int, type Value } from './values.ts';

/**
 * Converts a JavaScript value to Python's: an integer is an int, any other number a float, `new Number(1)` the float
 * 1.0, a bigint an int, an object a dict in the order of its keys. Undefined fields are omitted.
 */
export function fromJs(value: unknown): Value {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number') return fromNumber(value);
  if (typeof value === 'bigint') return int(value);
  if (value instanceof Number) return new Float(value.valueOf());
  if (Array.isArray(value)) {
    spendItems(value.length);
    return value.map(fromJs);
  }
  if (value instanceof Map) return dictOf(value);
  if (typeof value === 'object') return dictOf(Object.entries(value));
  throw unsupported(`a variable of type ${typeof value}`);
}

function fromNumber(value: number): Value {
  if (Number.isSafeInteger(value)) return value + 0;
  return Number.isInteger(value) ? BigInt(value) : new Float(value);
}

function dictOf(entries: Iterable<[unknown, unknown]>): Dict {
  const dict = new Dict();
  for (const [key, item] of entries) if (item !== undefined) dict.set(fromJs(key), fromJs(item));
  return dict;
}
