import { spendCharacters, spendItems, spendSteps } from '../budget.ts';
import { equals, ordered, sortBy } from '../compare.ts';
import { Dict, hashKey } from '../dict.ts';
import { TemplateError, typeError, unsupported } from '../errors.ts';
import { each, iterate, len, listOf, truth, tryReverse } from '../iterate.ts';
import { lower } from '../letters.ts';
import { index } from '../numbers.ts';
import { binary } from '../operators.ts';
import { attributeOf } from '../subscript.ts';
import {
  DONE,
  generator,
  isString,
  Iteration,
  Markup,
  NamedTuple,
  textOf,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from '../values.ts';
import { str } from '../write.ts';
import { argumentError, attributeGetter, attributesGetter } from './attributes.ts';
import { filter, type Applied } from './define.ts';

function extreme(value: Value, largest: boolean, caseSensitive: boolean, attribute: Value): Value {
  const key = attributeGetter(attribute, { ignoreCase: !caseSensitive });
  let found: { item: Value; key: Value } | null = null;
  for (const item of each(value)) {
    const candidate = { item, key: key(item) };
    const better =
      found === null ||
      (largest ? ordered('>', candidate.key, found.key) : ordered('<', candidate.key, found.key));
    if (better) found = candidate;
  }
  return found ? found.item : new Undefined('No aggregated item, sequence was empty.');
}

/** Steps that grouping takes an item, besides sorting them; and a look-up among items seen. */
const [GROUPED_STEPS, SEEN_STEPS] = [16, 6];

function groupBy(value: Value, attribute: Value, otherwise: Value, caseSensitive: boolean): Value {
  const key = attributeGetter(attribute, { ignoreCase: !caseSensitive, otherwise });
  const real = attributeGetter(attribute, { otherwise });
  const groups: { key: Value; items: Value[] }[] = [];
  const items = listOf(value);
  spendSteps(GROUPED_STEPS * items.length);
  for (const item of sortBy(items, key)) {
    const last = groups.at(-1);
    const itemKey = key(item);
    if (last && equals(last.key, itemKey)) last.items.push(item);
    else groups.push({ key: itemKey, items: [item] });
  }
  return groups.map(
    ({ key: grouper, items }) =>
      new NamedTuple(['grouper', 'list'], [caseSensitive ? grouper : real(items[0] as Value), items]),
  );
}

function* unique(value: Value, caseSensitive: boolean, attribute: Value): Generator<Value> {
  const key = attributeGetter(attribute, { ignoreCase: !caseSensitive });
  const seen = new Set<unknown>();
  for (const item of each(value)) {
    spendSteps(SEEN_STEPS);
    const hash = hashKey(key(item));
    if (seen.has(hash)) continue;
    seen.add(hash);
    yield item;
  }
}

function* batch(value: Value, size: number, fill: Value): Generator<Value> {
  let group: Value[] = [];
  for (const item of each(value)) {
    if (group.length === size) {
      yield group;
      group = [];
    }
    spendItems(1);
    group.push(item);
  }
  if (group.length === 0) return;
  if (fill !== null && group.length < size) {
    spendItems(size - group.length);
    while (group.length < size) group.push(fill);
  }
  yield group;
}

function* slices(value: Value, count: number, fill: Value): Generator<Value> {
  const items = listOf(value);
  if (count === 0) throw new TemplateError('ZeroDivisionError', 'integer division or modulo by zero');
  const size = Math.floor(items.length / count);
  const extra = items.length - size * count;
  let offset = 0;
  for (let i = 0; i < count; i++) {
    const start = offset + i * size;
    if (i < extra) offset++;
    const group = items.slice(start, offset + (i + 1) * size);
    spendItems(group.length + 1);
    if (fill !== null && i >= extra) group.push(fill);
    yield group;
  }
}

function dictSort(value: Value, caseSensitive: boolean, by: Value, reverse: boolean): Value {
  if (by !== 'key' && by !== 'value') throw argumentError('You can only sort by either "key" or "value"');
  if (value instanceof Undefined) throw value.error();
  if (!(value instanceof Dict)) throw typeError(`'${typeName(value)}' object has no attribute 'items'`);
  const pairs: Value[] = [...value.entries()].map((pair) => new Tuple(pair));
  spendItems(pairs.length);
  const key = (pair: Value) => {
    const part = (pair as Tuple).items[by === 'key' ? 0 : 1] as Value;
    return !caseSensitive && isString(part) ? lower(textOf(part)) : part;
  };
  return sortBy(pairs, key, reverse);
}

function joinItems(value: Value, separator: Value, attribute: Value | undefined): Value {
  const get =
    attribute === undefined || attribute === null ? (item: Value) => item : attributeGetter(attribute);
  const parts: string[] = [];
  for (const item of each(value)) {
    spendItems(1);
    parts.push(str(get(item)));
  }
  const mark = str(separator);
  spendCharacters(parts.reduce((length, part) => length + part.length + mark.length, 0));
  return parts.join(mark);
}

function sum(value: Value, attribute: Value, start: Value): Value {
  if (isString(start)) throw typeError("sum() can't sum strings [use ''.join(seq) instead]");
  const get = attributeGetter(attribute);
  let total: Value = start;
  for (const item of each(value)) total = binary('+', total, get(item));
  return total;
}

function* items(value: Value): Generator<Value> {
  if (value instanceof Undefined) return;
  if (!(value instanceof Dict)) throw typeError('Can only get item pairs from a mapping.');
  for (const pair of value.entries()) yield new Tuple(pair);
}

function reverse(value: Value): Value {
  if (isString(value)) {
    spendSteps(textOf(value).length);
    spendCharacters(textOf(value).length);
    const text = [...textOf(value)].reverse().join('');
    return value instanceof Markup ? new Markup(text) : text;
  }
  if (value instanceof Undefined) return new Iteration('reversed', () => DONE);
  const reversed = tryReverse(value);
  if (reversed) return reversed;
  try {
    return listOf(value).reverse();
  } catch (error) {
    if (error instanceof TemplateError && error.kind === 'TypeError')
      throw argumentError('argument must be iterable');
    throw error;
  }
}

const next = (iteration: Iteration | null, what: string): Value => {
  const item = iteration ? iteration.next() : DONE;
  return item === DONE ? new Undefined(`No ${what} item, sequence was empty.`) : item;
};

function last(value: Value): Value {
  if (value instanceof Undefined) return next(null, 'last');
  const reversed = tryReverse(value);
  if (!reversed) throw typeError(`'${typeName(value)}' object is not reversible`);
  return next(reversed, 'last');
}

export const sequenceFilters: [string, Applied][] = [
  filter('length', '', len),
  filter('count', '', len),
  filter('list', '', listOf),
  filter('first', '', (value) => next(iterate(value), 'first')),
  filter('last', '', last),
  filter('min', 'case_sensitive=, attribute=', (value, sensitive = false, attribute = null) =>
    extreme(value, false, truth(sensitive), attribute),
  ),
  filter('max', 'case_sensitive=, attribute=', (value, sensitive = false, attribute = null) =>
    extreme(value, true, truth(sensitive), attribute),
  ),
  filter(
    'sort',
    'reverse=, case_sensitive=, attribute=',
    (value, reversed = false, sensitive = false, attribute = null) =>
      sortBy(listOf(value), attributesGetter(attribute, !truth(sensitive)), truth(reversed)),
  ),
  filter('unique', 'case_sensitive=, attribute=', (value, sensitive = false, attribute = null) =>
    generator(unique(value, truth(sensitive), attribute)),
  ),
  filter(
    'groupby',
    'attribute, default=, case_sensitive=',
    (value, attribute, otherwise = null, sensitive = false) =>
      groupBy(value, attribute as Value, otherwise, truth(sensitive)),
  ),
  filter('batch', 'linecount, fill_with=', (value, size, fill = null) =>
    generator(batch(value, index(size as Value), fill)),
  ),
  filter('slice', 'slices, fill_with=', (value, count, fill = null) =>
    generator(slices(value, index(count as Value), fill)),
  ),
  filter(
    'dictsort',
    'case_sensitive=, by=, reverse=',
    (value, sensitive = false, by = 'key', reversed = false) =>
      dictSort(value, truth(sensitive), by, truth(reversed)),
  ),
  filter('items', '', (value) => generator(items(value))),
  filter('join', 'd=, attribute=', (value, separator = '', attribute) =>
    joinItems(value, separator, attribute),
  ),
  filter('sum', 'attribute=, start=', (value, attribute = null, start = 0) => sum(value, attribute, start)),
  filter('reverse', '', reverse),
  filter('attr', 'name', (value, name) => {
    if (!isString(name as Value)) throw typeError('attribute name must be string');
    const key = textOf(name as string);
    return attributeOf(value, key) ?? new Undefined(`'${typeName(value)} object' has no attribute '${key}'`);
  }),
  filter('random', '', () => {
    throw unsupported('the filter random');
  }),
];
