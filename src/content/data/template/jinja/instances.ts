import { bind, signature } from './bind.ts';
import { equals } from './compare.ts';
import type { Dict } from './dict.ts';
import { TemplateError, typeError } from './errors.ts';
import { iterate, sizeOf } from './iterate.ts';
import {
  Callable,
  DONE,
  Instance,
  isString,
  Iteration,
  textOf,
  Tuple,
  Undefined,
  type Keywords,
  type Value,
} from './values.ts';
import { repr } from './write.ts';

/** The special variable `loop`. */
export class Loop extends Instance {
  readonly typeName = 'LoopContext';
  readonly #iterable: Value;
  readonly #recurse: ((iterable: Value, depth: number) => Value) | null;
  readonly #depth: number;
  #iteration: Iteration;
  #index0 = -1;
  #length: number | undefined;
  #after: Value | typeof DONE | undefined;
  #current: Value | undefined;
  #before: Value | undefined;
  #changed: Tuple | null = null;

  /** `recurse` renders another level of a recursive loop; `depth` counts from 0. */
  constructor(iterable: Value, recurse: ((iterable: Value, depth: number) => Value) | null, depth: number) {
    super();
    this.#iterable = iterable;
    this.#iteration = iterate(iterable);
    this.#recurse = recurse;
    this.#depth = depth;
  }

  /** Advances to the next item. */
  next(): Value | typeof DONE {
    const item = this.#after === undefined || this.#after === DONE ? this.#iteration.next() : this.#after;
    this.#after = undefined;
    if (item === DONE) return DONE;
    this.#index0++;
    this.#before = this.#current;
    this.#current = item;
    return item;
  }

  #peek(): Value | typeof DONE {
    if (this.#after === undefined || this.#after === DONE) this.#after = this.#iteration.next();
    return this.#after;
  }

  #size(): number {
    this.#length ??= sizeOf(this.#iterable);
    if (this.#length === undefined) {
      const rest: Value[] = [];
      for (let item = this.#iteration.next(); item !== DONE; item = this.#iteration.next()) rest.push(item);
      this.#iteration = iterate(rest);
      this.#length =
        rest.length + this.#index0 + 1 + (this.#after === undefined || this.#after === DONE ? 0 : 1);
    }
    return this.#length;
  }

  attribute(name: string): Value | undefined {
    switch (name) {
      case 'index':
        return this.#index0 + 1;
      case 'index0':
        return this.#index0;
      case 'first':
        return this.#index0 === 0;
      case 'last':
        return this.#peek() === DONE;
      case 'length':
        return this.#size();
      case 'revindex':
        return this.#size() - this.#index0;
      case 'revindex0':
        return this.#size() - this.#index0 - 1;
      case 'depth':
        return this.#depth + 1;
      case 'depth0':
        return this.#depth;
      case 'previtem':
        return this.#index0 === 0 ? new Undefined('there is no previous item') : (this.#before as Value);
      case 'nextitem': {
        const next = this.#peek();
        return next === DONE ? new Undefined('there is no next item') : next;
      }
      case 'cycle':
        return new Callable('cycle', (args, keywords) => {
          bind(signature('cycle'), [], keywords);
          if (args.length === 0) throw typeError('no items for cycling given');
          return args[this.#index0 % args.length] as Value;
        });
      case 'changed':
        return new Callable('changed', (args, keywords) => {
          bind(signature('changed'), [], keywords);
          const value = new Tuple(args);
          if (this.#changed && equals(this.#changed, value)) return false;
          this.#changed = value;
          return true;
        });
      default:
        return undefined;
    }
  }

  override call(args: readonly Value[], keywords: Keywords): Value {
    const [iterable] = bind(signature('loop', 'iterable'), args, keywords);
    if (!this.#recurse)
      throw typeError("The loop must have the 'recursive' marker to be called recursively.");
    return this.#recurse(iterable as Value, this.#depth + 1);
  }

  override iterate(): Iteration {
    return new Iteration('LoopContext', () => {
      const item = this.next();
      return item === DONE ? DONE : new Tuple([item, this]);
    });
  }

  override size(): number {
    return this.#size();
  }

  override text(): string {
    return `<LoopContext ${this.#index0 + 1}/${this.#size()}>`;
  }
}

/** namespace(): the only object that a template can change. */
export class Namespace extends Instance {
  readonly typeName = 'TemplateNamespace';
  readonly #attributes: Dict;

  constructor(attributes: Dict) {
    super();
    for (const key of attributes.keys()) checkAttribute(key);
    this.#attributes = attributes;
  }

  attribute(name: string): Value | undefined {
    return this.#attributes.get(name);
  }

  set(name: string, value: Value): void {
    checkAttribute(name);
    this.#attributes.set(name, value);
  }

  override text(): string {
    return `<Namespace ${repr(this.#attributes)}>`;
  }
}

function checkAttribute(name: Value): void {
  if (isString(name) && textOf(name).startsWith('_'))
    throw new TemplateError(
      'SecurityError',
      `a namespace cannot have the attribute ${repr(name)}: it begins with an underscore`,
    );
}

/** cycler(): returns its items in turn. */
export class Cycler extends Instance {
  readonly typeName = 'Cycler';
  readonly #items: readonly Value[];
  #at = 0;

  constructor(items: readonly Value[]) {
    super();
    if (items.length === 0) throw new TemplateError('RuntimeError', 'at least one item has to be provided');
    this.#items = items;
  }

  attribute(name: string): Value | undefined {
    if (name === 'current') return this.#items[this.#at] as Value;
    if (name === 'pos') return this.#at;
    if (name === 'items') return new Tuple(this.#items);
    if (name === 'reset') {
      return new Callable('reset', (args, keywords) => {
        bind(signature('reset'), args, keywords);
        this.#at = 0;
        return null;
      });
    }
    if (name !== 'next') return undefined;
    return new Callable('next', (args, keywords) => {
      bind(signature('next'), args, keywords);
      const item = this.#items[this.#at] as Value;
      this.#at = (this.#at + 1) % this.#items.length;
      return item;
    });
  }
}

/** joiner(): returns an empty text the first time, then the separator. */
export class Joiner extends Instance {
  readonly typeName = 'Joiner';
  readonly #separator: Value;
  #used = false;

  constructor(separator: Value) {
    super();
    this.#separator = separator;
  }

  attribute(name: string): Value | undefined {
    return name === 'sep' ? this.#separator : name === 'used' ? this.#used : undefined;
  }

  override call(args: readonly Value[], keywords: Keywords): Value {
    bind(signature('joiner'), args, keywords);
    if (this.#used) return this.#separator;
    this.#used = true;
    return '';
  }
}
