import { TemplateError } from './errors.ts';

/*
 * Python's values. int is a JavaScript number while it is safe, otherwise a bigint; float is a separate class, so that
 * 1 and 1.0 differ; str, bool, None and list are string, boolean, null and array.
 */
export type Value = null | boolean | number | bigint | string | Value[] | PyObject;

/** Keyword arguments, in the given order. */
export type Keywords = ReadonlyMap<string, Value>;
export const NO_KEYWORDS: Keywords = new Map();

/** Values without a JavaScript counterpart. */
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

/** markupsafe's Markup: text already escaped for HTML. It escapes what is added to it. */
export class Markup extends PyObject {
  readonly typeName = 'Markup';
  readonly text: string;

  constructor(text: string) {
    super();
    this.text = text;
  }
}

/** The value of a missing name, key or attribute. Most operations on it raise. */
export class Undefined extends PyObject {
  readonly typeName = 'Undefined';
  readonly #hint: string | (() => string);
  readonly #kind: 'UndefinedError' | 'SecurityError';

  /** `hint` says what is missing; a function if that is expensive to compute. */
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

/** A tuple whose items also have names, as from groupby. */
export class NamedTuple extends Tuple {
  readonly names: readonly string[];

  constructor(names: readonly string[], items: readonly Value[]) {
    super(items);
    this.names = names;
  }
}

/** Python's range: its items are computed, not stored. */
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

/** An iterator or generator: can be consumed once. */
export class Iteration extends PyObject {
  readonly typeName: string;
  readonly next: () => Value | typeof DONE;

  constructor(typeName: string, next: () => Value | typeof DONE) {
    super();
    this.typeName = typeName;
    this.next = next;
  }
}

/** An iteration over a JavaScript generator. */
export function generator(items: Iterator<Value>, typeName = 'generator'): Iteration {
  return new Iteration(typeName, () => {
    const { done, value } = items.next();
    return done ? DONE : value;
  });
}

/** A stateless callable: a function, or a method bound to its object. */
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

/** An object with its own attributes: the loop, a namespace, a cycler, a block of the template. */
export abstract class Instance extends PyObject {
  /** The attribute, or undefined if there is none. */
  abstract attribute(name: string): Value | undefined;
  /** `self[key]`, if it supports subscripts. */
  item?(key: Value): Value | undefined;
  call?(args: readonly Value[], keywords: Keywords): Value;
  iterate?(): Iteration;
  size?(): number;
  /** Its text, unless that depends on a memory address. */
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

/** A bigint as a number if that is exact. */
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
