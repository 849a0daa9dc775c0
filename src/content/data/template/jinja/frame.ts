import { levelOf, Symbols } from './symbols.ts';
import type { Scope, Signal } from './scope.ts';
import type { Value } from './values.ts';

/** A function that the template compiles to: each call has its own {@link Scope}. */
export class FunctionFrame {
  readonly level: number;
  readonly parent: FunctionFrame | null;
  readonly #slots = new Map<string, number>();

  /** `level` is that of its outermost frame: variables of lower levels belong to enclosing functions. */
  constructor(level: number, parent: FunctionFrame | null) {
    this.level = level;
    this.parent = parent;
  }

  get size(): number {
    return this.#slots.size;
  }

  /** Where a variable is stored: how many scopes up, and in which slot. */
  locate(variable: string): { hops: number; slot: number } {
    if (levelOf(variable) < this.level && this.parent) {
      const { hops, slot } = this.parent.locate(variable);
      return { hops: hops + 1, slot };
    }
    const slot = this.#slots.get(variable) ?? this.#slots.size;
    this.#slots.set(variable, slot);
    return { hops: 0, slot };
  }
}

/** A frame of the template during compilation. */
export class Frame {
  readonly symbols: Symbols;
  readonly fn: FunctionFrame;
  /** Its assignments are at the template's top level. */
  readonly toplevel: boolean;
  /** Inside an if or a conditional expression: unknown filters are errors only if reached. */
  readonly soft: boolean;
  /** Whether it is inside a loop of the same function, for break and continue. */
  readonly inLoop: boolean;

  constructor(symbols: Symbols, fn: FunctionFrame, { toplevel = false, soft = false, inLoop = false } = {}) {
    this.symbols = symbols;
    this.fn = fn;
    this.toplevel = toplevel;
    this.soft = soft;
    this.inLoop = inLoop;
  }

  /** A nested frame of the same function. */
  inner(): Frame {
    return new Frame(new Symbols(this.symbols), this.fn, { inLoop: this.inLoop });
  }

  /** A nested frame of a new function. */
  innerFunction(): Frame {
    const symbols = new Symbols(this.symbols);
    return new Frame(symbols, new FunctionFrame(symbols.level, this.fn));
  }

  /** Another nested frame, of the function of `other`. */
  innerFunctionOf(other: Frame): Frame {
    return new Frame(new Symbols(this.symbols), other.fn);
  }

  /** This frame as a branch. */
  asSoft(): Frame {
    return this.soft
      ? this
      : new Frame(this.symbols, this.fn, { toplevel: this.toplevel, soft: true, inLoop: this.inLoop });
  }

  asLoop(): Frame {
    return new Frame(this.symbols, this.fn, { inLoop: true });
  }

  read(variable: string): (scope: Scope) => Value | undefined {
    const { hops, slot } = this.fn.locate(variable);
    if (hops === 0) return (scope) => scope.vars[slot];
    if (hops === 1) return (scope) => (scope.up as Scope).vars[slot];
    return (scope) => up(scope, hops).vars[slot];
  }

  write(variable: string): (scope: Scope, value: Value | undefined) => void {
    const { hops, slot } = this.fn.locate(variable);
    if (hops === 0) {
      return (scope, value) => {
        scope.vars[slot] = value;
      };
    }
    return (scope, value) => {
      up(scope, hops).vars[slot] = value;
    };
  }

  /** Initializes the frame's variables; call it after all of the frame has been analyzed. */
  enter(): (scope: Scope) => void {
    const steps: ((scope: Scope) => void)[] = [];
    for (const [variable, load] of this.symbols.loads) {
      if (load.from === 'parameter') continue;
      const write = this.write(variable);
      if (load.from === 'context') steps.push((scope) => write(scope, scope.context.resolve(load.name)));
      else if (load.from === 'nothing') steps.push((scope) => write(scope, undefined));
      else {
        const read = this.read(load.variable);
        steps.push((scope) => write(scope, read(scope)));
      }
    }
    return sequence(steps);
  }

  /** Clears the frame's variables, for macros that were made in it and outlive it. */
  leave(): (scope: Scope) => void {
    const writes = [...this.symbols.loads.keys()].map((variable) => this.write(variable));
    return sequence(writes.map((write) => (scope: Scope) => write(scope, undefined)));
  }
}

function up(scope: Scope, hops: number): Scope {
  let found = scope;
  for (let i = 0; i < hops; i++) found = found.up as Scope;
  return found;
}

function sequence(steps: readonly ((scope: Scope) => void)[]): (scope: Scope) => void {
  const [only] = steps;
  if (!only) return () => undefined;
  if (steps.length === 1) return only;
  return (scope) => {
    for (const step of steps) step(scope);
  };
}

/** Runs statements until one breaks or continues the enclosing loop. */
export function inTurn(statements: readonly ((scope: Scope) => Signal)[]): (scope: Scope) => Signal {
  const [only] = statements;
  if (!only) return () => null;
  if (statements.length === 1) return only;
  return (scope) => {
    for (const statement of statements) {
      const signal = statement(scope);
      if (signal !== null) return signal;
    }
    return null;
  };
}
