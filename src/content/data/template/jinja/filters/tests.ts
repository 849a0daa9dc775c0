import { spendSteps } from '../budget.ts';
import { contains, equals, ordered } from '../compare.ts';
import { Dict, hashKey } from '../dict.ts';
import { TemplateError, unsupported } from '../errors.ts';
import { sizeOf, tryIterate } from '../iterate.ts';
import { PREDICATES } from '../letters.ts';
import { binary } from '../operators.ts';
import {
  Callable,
  Float,
  Instance,
  isNumber,
  isString,
  Markup,
  Range,
  textOf,
  Tuple,
  Undefined,
  type Keywords,
  type Value,
} from '../values.ts';
import { repr, str } from '../write.ts';
import { filter as test, type Applied } from './define.ts';

/** Names of filters for the test `filter`; filled by filters/index.ts. */
export const isFilterName = new Set<string>();

const isText = (holds: (text: string) => boolean) => (value: Value) => {
  const text = str(value);
  spendSteps(text.length >> 1);
  return text !== '' && holds(text);
};

/**
 * a is b: the same object. For texts and large numbers this depends on Python's memory, so equal ones are rejected.
 */
function isSame(a: Value, b: Value): boolean {
  if (a === b && (typeof a === 'boolean' || a === null)) return true;
  const small = (value: Value) => typeof value === 'number' && value >= -5 && value <= 256;
  if (typeof a === 'object' && typeof b === 'object' && !(a instanceof Float) && !(a instanceof Markup)) {
    if (a instanceof Tuple && b instanceof Tuple && a.items.length === 0 && b.items.length === 0) return true;
    return a === b;
  }
  if (typeof a !== typeof b || !equals(a, b)) return false;
  if (small(a) || (typeof a === 'string' && a.length <= 1 && a <= '\u00ff')) return true;
  throw unsupported('the test sameas on equal texts or numbers: Python’s memory decides');
}

const isSequence = (value: Value): boolean =>
  isString(value) ||
  Array.isArray(value) ||
  value instanceof Tuple ||
  value instanceof Dict ||
  value instanceof Range ||
  value instanceof Undefined;

const isCallable = (value: Value): boolean =>
  value instanceof Callable ||
  value instanceof Undefined ||
  (value instanceof Instance && value.call !== undefined);

/** Whether a value is a name in the set; unhashable values are rejected. */
function isNamed(value: Value, names: { has(name: string): boolean }): boolean {
  hashKey(value);
  return isString(value) && names.has(textOf(value));
}

const is = (holds: (value: Value) => boolean) => (value: Value) => holds(value);

const compare = (holds: (a: Value, b: Value) => boolean) => (value: Value, other: Value | undefined) =>
  holds(value, other as Value);

const entries: [string, Applied][] = [
  test('odd', '', (value) => equals(binary('%', value, 2), 1)),
  test('even', '', (value) => equals(binary('%', value, 2), 0)),
  test('divisibleby', 'num', (value, by) => equals(binary('%', value, by as Value), 0)),
  test(
    'defined',
    '',
    is((value) => !(value instanceof Undefined)),
  ),
  test(
    'undefined',
    '',
    is((value) => value instanceof Undefined),
  ),
  test(
    'none',
    '',
    is((value) => value === null),
  ),
  test(
    'boolean',
    '',
    is((value) => typeof value === 'boolean'),
  ),
  test(
    'true',
    '',
    is((value) => value === true),
  ),
  test(
    'false',
    '',
    is((value) => value === false),
  ),
  test(
    'integer',
    '',
    is((value) => typeof value === 'number' || typeof value === 'bigint'),
  ),
  test(
    'float',
    '',
    is((value) => value instanceof Float),
  ),
  test('number', '', is(isNumber)),
  test('string', '', is(isString)),
  test('lower', '', is(isText(PREDICATES['islower'] as (text: string) => boolean))),
  test('upper', '', is(isText(PREDICATES['isupper'] as (text: string) => boolean))),
  test(
    'mapping',
    '',
    is((value) => value instanceof Dict),
  ),
  test(
    'sequence',
    '',
    is((value) => isSequence(value) && sizeOf(value) !== undefined),
  ),
  test(
    'iterable',
    '',
    is((value) => tryIterate(value) !== null),
  ),
  test('callable', '', is(isCallable)),
  test('sameas', 'other', compare(isSame)),
  test(
    'escaped',
    '',
    is((value) => value instanceof Markup),
  ),
  test(
    'in',
    'seq',
    compare((value, container) => contains(container, value)),
  ),
  test(
    'filter',
    '',
    is((value) => isNamed(value, isFilterName)),
  ),
  test(
    'test',
    '',
    is((value) => isNamed(value, tests)),
  ),
  ...['==', 'eq', 'equalto'].map((name) => test(name, 'other', compare(equals))),
  ...['!=', 'ne'].map((name) =>
    test(
      name,
      'other',
      compare((a, b) => !equals(a, b)),
    ),
  ),
  ...['>', 'gt', 'greaterthan'].map((name) =>
    test(
      name,
      'other',
      compare((a, b) => ordered('>', a, b)),
    ),
  ),
  ...['>=', 'ge'].map((name) =>
    test(
      name,
      'other',
      compare((a, b) => ordered('>=', a, b)),
    ),
  ),
  ...['<', 'lt', 'lessthan'].map((name) =>
    test(
      name,
      'other',
      compare((a, b) => ordered('<', a, b)),
    ),
  ),
  ...['<=', 'le'].map((name) =>
    test(
      name,
      'other',
      compare((a, b) => ordered('<=', a, b)),
    ),
  ),
];

/** All tests by name. */
export const tests: ReadonlyMap<string, Applied> = new Map(entries);

/** Runs the test `name` on `value`, for the filters of the select family. */
export function runTest(name: Value, value: Value, args: readonly Value[], keywords: Keywords): Value {
  const run = isString(name) ? tests.get(textOf(name)) : undefined;
  if (!run) throw new TemplateError('TemplateRuntimeError', `No test named ${repr(name)} found.`);
  return run(value, args, keywords);
}
