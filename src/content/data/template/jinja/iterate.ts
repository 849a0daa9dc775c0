import { spendItems, spendScan, spendSteps } from './budget.ts';
import { Dict, iterationOf } from './dict.ts';
import { typeError } from './errors.ts';
import { lengthOf } from './text.ts';
import {
  DONE,
  Float,
  Instance,
  isString,
  Iteration,
  Range,
  textOf,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from './values.ts';

/** bool(value) */
export function truth(value: Value): boolean {
  if (typeof value === 'boolean') return value;
  if (value === null || value === '' || value === 0) return false;
  if (typeof value !== 'object') return true;
  if (Array.isArray(value)) return value.length > 0;
  if (value instanceof Undefined) return false;
  if (value instanceof Float) return value.value !== 0;
  if (value instanceof Iteration) return true;
  const size = sizeOf(value);
  return size === undefined || size > 0;
}

/** len(value); undefined if Python raises TypeError. */
export function sizeOf(value: Value): number | undefined {
  if (isString(value)) {
    const text = textOf(value);
    spendScan(text.length);
    return lengthOf(text);
  }
  if (Array.isArray(value)) return value.length;
  if (value instanceof Tuple) return value.items.length;
  if (value instanceof Dict) return value.size;
  if (value instanceof Range) return value.length;
  if (value instanceof Undefined) return 0;
  return value instanceof Instance ? value.size?.() : undefined;
}

/** len(value). Throws TypeError. */
export function len(value: Value): number {
  const size = sizeOf(value);
  if (size === undefined) throw typeError(`object of type '${typeName(value)}' has no len()`);
  return size;
}

/** iter(value); null if Python raises TypeError. */
export function tryIterate(value: Value): Iteration | null {
  if (Array.isArray(value)) return iterationOf(value);
  if (value instanceof Tuple) return iterationOf(value.items, 'tuple_iterator');
  if (isString(value)) return textIteration(textOf(value));
  if (value instanceof Dict) return keysOf(value);
  if (value instanceof Iteration) return value;
  if (value instanceof Range) return rangeIteration(value);
  if (value instanceof Undefined) return iterationOf([], 'generator');
  return value instanceof Instance ? (value.iterate?.() ?? null) : null;
}

/** iter(value). Throws TypeError. */
export function iterate(value: Value): Iteration {
  const iteration = tryIterate(value);
  if (!iteration) throw typeError(`'${typeName(value)}' object is not iterable`);
  return iteration;
}

/** Characters are plain texts, even those of Markup. */
function textIteration(text: string): Iteration {
  const chars = text[Symbol.iterator]();
  return new Iteration('str_iterator', () => {
    const { done, value } = chars.next();
    return done ? DONE : value;
  });
}

function keysOf(dict: Dict): Iteration {
  const keys = dict.keys();
  return new Iteration('dict_keyiterator', () => {
    const { done, value } = keys.next();
    return done ? DONE : value;
  });
}

function rangeIteration({ start, step, length }: Range): Iteration {
  let at = 0;
  return new Iteration('range_iterator', () => (at < length ? start + step * at++ : DONE));
}

/** list(value). Throws TypeError. */
export function listOf(value: Value): Value[] {
  if (Array.isArray(value)) {
    spendItems(value.length);
    return [...value];
  }
  const { next } = iterate(value);
  const items: Value[] = [];
  for (let item = next(); item !== DONE; item = next()) {
    spendItems(1);
    items.push(item);
  }
  return items;
}

/** The items of `value`, for JavaScript loops. */
export function* each(value: Value): Generator<Value, void> {
  const { next } = iterate(value);
  for (let item = next(); item !== DONE; item = next()) {
    spendSteps(2);
    yield item;
  }
}

/** reversed(value); null if Python raises TypeError. */
export function tryReverse(value: Value): Iteration | null {
  if (value instanceof Iteration || value instanceof Undefined) return null;
  if (value instanceof Range) {
    const { start, step, length } = value;
    return rangeIteration(new Range(start + step * (length - 1), start - step, -step));
  }
  const reversible =
    isString(value) || Array.isArray(value) || value instanceof Tuple || value instanceof Dict;
  const isView = value instanceof Instance && value.typeName.startsWith('dict_');
  if (!reversible && !isView) return null;
  const names: Record<string, string> = { list: 'list_reverseiterator', dict: 'dict_reversekeyiterator' };
  return iterationOf(listOf(value).reverse(), names[typeName(value)] ?? 'reversed');
}
