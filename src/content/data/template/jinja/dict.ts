import { spendItems } from './budget.ts';
import { typeError } from './errors.ts';
import {
  DONE,
  Float,
  Instance,
  Iteration,
  Markup,
  PyObject,
  Range,
  Slice,
  Tuple,
  Undefined,
  textOf,
  typeName,
  type Value,
} from './values.ts';

const UNDEFINED_KEY = Symbol('undefined');
const MARK = '\ud800';

/**
 * A JavaScript value that is the same for keys that are equal in Python: 1, 1.0 and True are one key, as are equal
 * tuples. Throws TypeError for unhashable values.
 */
export function hashKey(value: Value): unknown {
  if (typeof value === 'string') return value.startsWith(MARK) ? MARK + value : value;
  if (typeof value === 'number' || value === null) return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'bigint') return value;
  if (Array.isArray(value) || value instanceof Dict || value instanceof Slice || isOpenView(value))
    throw unhashable(value);
  if (value instanceof Float) return floatKey(value.value);
  if (value instanceof Markup) return hashKey(textOf(value));
  if (value instanceof Undefined) return UNDEFINED_KEY;
  if (value instanceof Tuple) return MARK + value.items.map(partKey).join(',');
  if (value instanceof Range) return `${MARK}range ${rangeKey(value)}`;
  return value;
}

const isOpenView = (value: Value): boolean => value instanceof DictView && value.part !== 'values';

const unhashable = (value: Value) => typeError(`unhashable type: '${typeName(value)}'`);

function floatKey(value: number): unknown {
  if (!Number.isInteger(value)) return Number.isNaN(value) ? Symbol('nan') : value;
  return Number.isSafeInteger(value) ? value + 0 : BigInt(value);
}

const identities = new WeakMap<object, number>();
let objects = 0;

/** Part of a tuple's key: type and text, so that no two parts collide. */
function partKey(item: Value): string {
  const key = hashKey(item);
  if (typeof key === 'string') return `s${key.length}:${key}`;
  if (typeof key === 'object' && key !== null) {
    const id = identities.get(key) ?? ++objects;
    identities.set(key, id);
    return `o${id}`;
  }
  return `${typeof key === 'bigint' ? 'number' : typeof key}:${String(key)}`;
}

function rangeKey({ length, start, step }: Range): string {
  return length === 0 ? '0' : length === 1 ? `1 ${start}` : `${length} ${start} ${step}`;
}

/** Python's dict: any hashable keys, in insertion order. */
export class Dict extends PyObject {
  readonly typeName = 'dict';
  readonly #entries = new Map<unknown, [key: Value, value: Value]>();

  static of(pairs: Iterable<readonly [Value, Value]>): Dict {
    const dict = new Dict();
    for (const [key, value] of pairs) dict.set(key, value);
    return dict;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: Value): Value | undefined {
    return this.#entries.get(hashKey(key))?.[1];
  }

  has(key: Value): boolean {
    return this.#entries.has(hashKey(key));
  }

  /** An existing key keeps its position and spelling. */
  set(key: Value, value: Value): void {
    const hash = hashKey(key);
    const entry = this.#entries.get(hash);
    if (entry) entry[1] = value;
    else {
      spendItems(1);
      this.#entries.set(hash, [key, value]);
    }
  }

  /** The pairs, in order. */
  entries(): IterableIterator<[Value, Value]> {
    return this.#entries.values();
  }

  *keys(): IterableIterator<Value> {
    for (const [key] of this.#entries.values()) yield key;
  }
}

/** dict.keys(), dict.values() or dict.items(). */
export class DictView extends Instance {
  readonly typeName: string;
  readonly dict: Dict;
  readonly part: 'keys' | 'values' | 'items';

  constructor(dict: Dict, part: 'keys' | 'values' | 'items') {
    super();
    this.dict = dict;
    this.part = part;
    this.typeName = `dict_${part}`;
  }

  list(): Value[] {
    spendItems(this.dict.size);
    return [...this.dict.entries()].map(([key, value]) =>
      this.part === 'keys' ? key : this.part === 'values' ? value : new Tuple([key, value]),
    );
  }

  attribute(): undefined {
    return undefined;
  }

  override size(): number {
    return this.dict.size;
  }

  override iterate(): Iteration {
    return iterationOf(this.list(), `dict_${this.part.slice(0, -1)}iterator`);
  }

  override text(write: (value: Value) => string): string {
    return `${this.typeName}(${write(this.list())})`;
  }
}

/** An iteration over an array. */
export function iterationOf(items: readonly Value[], name = 'list_iterator'): Iteration {
  let at = 0;
  return new Iteration(name, () => (at < items.length ? (items[at++] as Value) : DONE));
}
