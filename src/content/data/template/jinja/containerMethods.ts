import { bind, signature } from './bind.ts';
import { spendSteps } from './budget.ts';
import { equals } from './compare.ts';
import { Dict, DictView } from './dict.ts';
import { unsupported, valueError } from './errors.ts';
import { each } from './iterate.ts';
import { index } from './numbers.ts';
import { Float, Range, Tuple, type Keywords, type Value } from './values.ts';
import { repr } from './write.ts';

type Method<T> = (self: T, args: readonly Value[], keywords: Keywords) => Value;

function method<T>(
  name: string,
  parameters: string,
  run: (self: T, args: (Value | undefined)[]) => Value,
): Method<T> {
  const bound = signature(name, parameters);
  return (self, args, keywords) => run(self, bind(bound, args, keywords));
}

/** Methods of lists, tuples and ranges; the sandbox rejects those that change a list. */
export const sequenceMethods: ReadonlyMap<string, Method<readonly Value[] | Range>> = new Map([
  [
    'count',
    method('count', 'value, /', (self: readonly Value[] | Range, [value]) => {
      let count = 0;
      spendSteps(self.length);
      for (const item of itemsOf(self)) if (equals(item, value as Value)) count++;
      return count;
    }),
  ],
  [
    'index',
    method('index', 'value, start=, stop=, /', (self: readonly Value[] | Range, [value, start, stop]) => {
      spendSteps(self.length);
      const items = [...itemsOf(self)];
      const clamp = (at: number) => (at < 0 ? Math.max(0, at + items.length) : at);
      const last = stop === undefined ? items.length : Math.min(items.length, clamp(index(stop)));
      for (let i = start === undefined ? 0 : clamp(index(start)); i < last; i++) {
        if (equals(items[i] as Value, value as Value)) return i;
      }
      throw valueError(`${repr(value as Value)} is not in list`);
    }),
  ],
]);

const itemsOf = (self: readonly Value[] | Range): Iterable<Value> =>
  self instanceof Range ? each(self) : self;

export const copyList: Method<readonly Value[]> = method('copy', '', (self: readonly Value[]) => [...self]);

/** Methods that ImmutableSandboxedEnvironment gives no access to. */
export const LIST_CHANGES = new Set([
  'append',
  'clear',
  'pop',
  'reverse',
  'insert',
  'sort',
  'extend',
  'remove',
]);
export const DICT_CHANGES = new Set(['clear', 'pop', 'popitem', 'setdefault', 'update']);

export const dictMethods: ReadonlyMap<string, Method<Dict>> = new Map([
  ['keys', method('keys', '', (self: Dict) => new DictView(self, 'keys'))],
  ['values', method('values', '', (self: Dict) => new DictView(self, 'values'))],
  ['items', method('items', '', (self: Dict) => new DictView(self, 'items'))],
  [
    'get',
    method(
      'get',
      'key, default=, /',
      (self: Dict, [key, otherwise]) => self.get(key as Value) ?? otherwise ?? null,
    ),
  ],
  ['copy', method('copy', '', (self: Dict) => Dict.of(self.entries()))],
  [
    'fromkeys',
    method('fromkeys', 'iterable, value=, /', (_: Dict, [keys, value]) =>
      fromKeys(keys as Value, value ?? null),
    ),
  ],
]);

/** dict.fromkeys(iterable, value) */
export const fromKeys = (keys: Value, value: Value): Dict =>
  Dict.of([...each(keys)].map((key) => [key, value] as const));

/** The named attribute of an int, bool or float: a value, or a method's result. */
export function numberAttribute(
  self: number | bigint | boolean | Float,
  name: string,
): { value: Value } | { method: () => Value } | undefined {
  if (self instanceof Float) {
    const { value } = self;
    if (name === 'real') return { value: self };
    if (name === 'imag') return { value: new Float(0) };
    if (name === 'is_integer') return { method: () => Number.isInteger(value) };
    if (name === 'conjugate') return { method: () => self };
    return ['as_integer_ratio', 'hex', 'fromhex'].includes(name) ? refused(name) : undefined;
  }
  const plain = typeof self === 'boolean' ? Number(self) : self;
  if (name === 'real' || name === 'numerator') return { value: plain };
  if (name === 'imag') return { value: 0 };
  if (name === 'denominator') return { value: 1 };
  if (name === 'bit_length') return { method: () => bitsOf(plain).length };
  if (name === 'bit_count') return { method: () => bitsOf(plain).replaceAll('0', '').length };
  if (name === 'conjugate') return { method: () => plain };
  if (name === 'as_integer_ratio') return { method: () => new Tuple([plain, 1]) };
  return ['to_bytes', 'from_bytes'].includes(name) ? refused(name) : undefined;
}

/** The binary digits of |value|; empty for 0. */
const bitsOf = (value: number | bigint): string =>
  value === 0 ? '' : BigInt(value).toString(2).replace('-', '');

function refused(name: string): { method: () => Value } {
  return {
    method: () => {
      throw unsupported(`the method ${name} of numbers`);
    },
  };
}
