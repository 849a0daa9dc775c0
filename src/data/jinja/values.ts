import { TemplateError } from './errors.ts';

/*
 * Python's values. int is a JavaScript number while it is safe, a bigint beyond; float is a class of its own, so that
 * 1 and 1.0 stay apart; str, bool, None and list are string, boolean, null and array.
 */
export type Value = null | boolean | number | bigint | string | Value[] | PyObject;

/** Arguments by name, in the order they were given. */
export type Keywords = ReadonlyMap<string, Value>;
export const NO_KEYWORDS: Keywords = new Map();

/** Any value that JavaScript has no counterpart for. */
export abstract class PyObject {
  /** `type(x).__name__` */
  abstract readonly typeName: string;
}

export class Float extends PyObject {
  readonly typeName = 'float';
  readonly value: number;

  constructor(value: number) {
    super();
    this.value = value;
  }
}

/** markupsafe's Markup: text that is already escaped for HTML. It escapes what is added to it. */
export class Markup extends PyObject {
  readonly typeName = 'Markup';
  readonly text: string;

  constructor(text: string) {
    super();
    this.text = text;
  }
}

/** What a name, key or attribute that isn't there evaluates to. Most of what is done with it raises. */
export class Undefined extends PyObject {
  readonly typeName = 'Undefined';
  readonly #hint: string | (() => string);
  readonly #kind: 'UndefinedError' | 'SecurityError';

  /** `hint` says what is missing; as a function where saying it takes time. */
  constructor(hint: string | (() => string), kind: 'UndefinedError' | 'SecurityError' = 'UndefinedError') {
    super();
    this.#hint = hint;
    this.#kind = kind;
  }

  error(): TemplateError {
    return new TemplateError(this.#kind, typeof this.#hint === 'string' ? this.#hint : this.#hint());
  }
}

export class Tuple extends PyObject {
  readonly typeName = 'tuple';
  readonly items: readonly Value[];

  constructor(items: readonly Value[]) {
    super();
    this.items = items;
  }
}

/** A tuple whose items have names too, as groupby makes. */
export class NamedTuple extends Tuple {
  readonly names: readonly string[];

  constructor(names: readonly string[], items: readonly Value[]) {
    super(items);
    this.names = names;
  }
}

/** Python's range: its items are counted, not kept. */
export class Range extends PyObject {
  readonly typeName = 'range';
  readonly start: number;
  readonly stop: number;
  readonly step: number;
  readonly length: number;

  constructor(start: number, stop: number, step: number) {
    super();
    this.start = start;
    this.stop = stop;
    this.step = step;
    this.length = Math.max(0, Math.ceil((stop - start) / step));
  }
}

export class Slice extends PyObject {
  readonly typeName = 'slice';
  readonly start: Value;
  readonly stop: Value;
  readonly step: Value;

  constructor(start: Value, stop: Value, step: Value) {
    super();
    this.start = start;
    this.stop = stop;
    this.step = step;
  }
}

/** The end of an iterator. */
export const DONE = Symbol('done');

/** An iterator or generator: read once. */
export class Iteration extends PyObject {
  readonly typeName: string;
  readonly next: () => Value | typeof DONE;

  constructor(typeName: string, next: () => Value | typeof DONE) {
    super();
    this.typeName = typeName;
    this.next = next;
  }
}

/** An iteration over what a JavaScript generator yields. */
export function generator(items: Iterator<Value>, typeName = 'generator'): Iteration {
  return new Iteration(typeName, () => {
    const { done, value } = items.next();
    return done ? DONE : value;
  });
}

/** Anything that can be called with no state to look at: a function, a method bound to its object. */
export class Callable extends PyObject {
  readonly typeName: string;
  readonly name: string;
  readonly call: (args: readonly Value[], keywords: Keywords) => Value;

  constructor(
    name: string,
    call: (args: readonly Value[], keywords: Keywords) => Value,
    typeName = 'builtin_function_or_method',
  ) {
    super();
    this.name = name;
    this.call = call;
    this.typeName = typeName;
  }
}

/** An object with attributes of its own: the loop, a namespace, a cycler, a block of the template. */
export abstract class Instance extends PyObject {
  /** The attribute, or undefined where there is none. */
  abstract attribute(name: string): Value | undefined;
  /** `self[key]`, where it can be subscribed. */
  item?(key: Value): Value | undefined;
  call?(args: readonly Value[], keywords: Keywords): Value;
  iterate?(): Iteration;
  size?(): number;
  /** Its text, where that does not hang on an address in memory. */
  text?(write: (value: Value) => string): string;
}

export const isString = (value: Value): value is string | Markup =>
  typeof value === 'string' || value instanceof Markup;

/** The text of a str or Markup. */
export const textOf = (value: string | Markup): string => (typeof value === 'string' ? value : value.text);

export const isInt = (value: Value): value is number | bigint | boolean =>
  typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean';

export const isNumber = (value: Value): value is number | bigint | boolean | Float =>
  isInt(value) || value instanceof Float;

/** A bigint as a number where that is exact. */
export function int(value: bigint): number | bigint {
  return value >= -MAX_SAFE && value <= MAX_SAFE ? Number(value) : value;
}
const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);

/** `type(x).__name__` */
export function typeName(value: Value): string {
  if (value === null) return 'NoneType';
  if (Array.isArray(value)) return 'list';
  switch (typeof value) {
    case 'boolean':
      return 'bool';
    case 'number':
    case 'bigint':
      return 'int';
    case 'string':
      return 'str';
    default:
      return value.typeName;
  }
}
