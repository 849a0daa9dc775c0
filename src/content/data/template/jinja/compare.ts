import { nestedValue, spendScan, spendSteps } from './budget.ts';
import { Dict, DictView } from './dict.ts';
import { typeError, unsupported } from './errors.ts';
import { each, tryIterate } from './iterate.ts';
import { compareTexts } from './text.ts';
import {
  Float,
  isInt,
  isNumber,
  isString,
  Range,
  textOf,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from './values.ts';

/** a == b */
export function equals(a: Value, b: Value): boolean {
  if (a === b) {
    if (typeof a === 'string') spendScan(a.length);
    return true;
  }
  if (typeof a === 'string' && typeof b === 'string') {
    // JavaScript's comparison runs first, so a late difference takes as long as equality.
    if (a.length === b.length) spendScan(a.length);
    return false;
  }
  if (isString(a)) return isString(b) && textOf(a) === textOf(b);
  if (isNumber(a)) return isNumber(b) && compareNumbers(a, b) === 0;
  if (a === null || b === null) return false;
  if (a instanceof Undefined) return b instanceof Undefined;
  if (Array.isArray(a)) return Array.isArray(b) && sameItems(a, b);
  if (a instanceof Tuple) return b instanceof Tuple && sameItems(a.items, b.items);
  if (a instanceof Dict) return b instanceof Dict && sameDicts(a, b);
  if (a instanceof Range) return b instanceof Range && sameItems(rangeParts(a), rangeParts(b));
  if (a instanceof DictView && b instanceof DictView && a.part !== 'values' && b.part !== 'values') {
    return a.size() === b.size() && a.list().every((item) => b.list().some((other) => equals(item, other)));
  }
  return false;
}

const rangeParts = ({ length, start, step }: Range): Value[] =>
  length === 0 ? [] : length === 1 ? [length, start] : [length, start, step];

function sameItems(a: readonly Value[], b: readonly Value[]): boolean {
  if (a.length !== b.length) return false;
  spendSteps(a.length);
  return nestedValue(() => a.every((item, i) => same(item, b[i] as Value)));
}

/** Items of containers are equal if they are the same object, so nan is found in its list. */
const same = (a: Value, b: Value): boolean => a === b || equals(a, b);

function sameDicts(a: Dict, b: Dict): boolean {
  if (a.size !== b.size) return false;
  spendSteps(a.size);
  return nestedValue(() => {
    for (const [key, value] of a.entries()) {
      const other = b.get(key);
      if (other === undefined || !same(value, other)) return false;
    }
    return true;
  });
}

/** Negative, 0 or positive; NaN if either is NaN. */
function compareNumbers(a: number | bigint | boolean | Float, b: number | bigint | boolean | Float): number {
  const [x, y] = [a, b].map((value) =>
    value instanceof Float ? value.value : typeof value === 'boolean' ? Number(value) : value,
  );
  if (x === undefined || y === undefined) return Number.NaN;
  // JavaScript orders bigint and number by value, like Python's int and float.
  return x < y ? -1 : x > y ? 1 : x <= y ? 0 : Number.NaN;
}

type Order = '<' | '<=' | '>' | '>=';

const holds = (order: number, operator: Order): boolean =>
  operator === '<' ? order < 0 : operator === '<=' ? order <= 0 : operator === '>' ? order > 0 : order >= 0;

/** a < b and the like. Throws TypeError for values without an order. */
export function ordered(operator: Order, a: Value, b: Value): boolean {
  if (isNumber(a) && isNumber(b)) return holds(compareNumbers(a, b), operator);
  if (isString(a) && isString(b)) {
    spendScan(textOf(a).length);
    return holds(compareTexts(textOf(a), textOf(b)), operator);
  }
  if (Array.isArray(a) && Array.isArray(b)) return orderedItems(operator, a, b);
  if (a instanceof Tuple && b instanceof Tuple) return orderedItems(operator, a.items, b.items);
  if (a instanceof Undefined) throw a.error();
  if (b instanceof Undefined) throw b.error();
  if (a instanceof DictView && b instanceof DictView) throw unsupported('the order of views of dicts');
  throw typeError(`'${operator}' not supported between instances of '${typeName(a)}' and '${typeName(b)}'`);
}

/** The first differing items decide, otherwise the lengths. */
function orderedItems(operator: Order, a: readonly Value[], b: readonly Value[]): boolean {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    spendSteps(1);
    const [x, y] = [a[i] as Value, b[i] as Value];
    if (!same(x, y)) return nestedValue(() => ordered(operator, x, y));
  }
  return holds(a.length - b.length, operator);
}

/** value in container */
export function contains(container: Value, value: Value): boolean {
  if (isString(container)) {
    if (!isString(value))
      throw typeError(`'in <string>' requires string as left operand, not ${typeName(value)}`);
    spendScan(textOf(container).length);
    return textOf(container).includes(textOf(value));
  }
  if (container instanceof Dict) return container.has(value);
  if (container instanceof DictView && container.part === 'keys') return container.dict.has(value);
  if (container instanceof Range && isInt(value)) {
    const { start, stop, step } = container;
    const at = Number(value);
    return (step > 0 ? at >= start && at < stop : at <= start && at > stop) && (at - start) % step === 0;
  }
  if (!tryIterate(container)) throw typeError(`argument of type '${typeName(container)}' is not iterable`);
  for (const item of each(container)) if (same(item, value)) return true;
  return false;
}

/** Sorts in place, stable, as sorted(key=…, reverse=…) does. */
export function sortBy(items: Value[], key: (item: Value) => Value, reverse = false): Value[] {
  // Keys are looked up by attribute.
  spendSteps(8 * items.length);
  const keyed = items.map((item) => ({ item, key: key(item) }));
  // Uses only "less than", like Python's sort; equal items stay in order in both directions.
  keyed.sort((a, b) => {
    spendSteps(2);
    const [x, y] = reverse ? [b.key, a.key] : [a.key, b.key];
    return ordered('<', x, y) ? -1 : ordered('<', y, x) ? 1 : 0;
  });
  return keyed.map(({ item }) => item);
}
