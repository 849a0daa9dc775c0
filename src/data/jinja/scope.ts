import { spendCharacters } from './budget.ts';
import type { Value } from './values.ts';

/** A part of the rendered text that `{% generation %}` marks, as transformers' AssistantTracker counts: in code points of the text. */
export interface Span {
  start: number;
  end: number;
}

/** Where one rendering writes. */
export class Output {
  /** What was written to the innermost buffer: the text itself where there is none. */
  #text = '';
  /** What the text itself was when the outermost buffer was opened; null while none is. */
  #root: string | null = null;
  readonly spans: Span[] = [];

  write(text: string): void {
    spendCharacters(text.length);
    this.#text += text;
  }

  /** The text so far, whatever is in buffers. */
  get text(): string {
    return this.#root ?? this.#text;
  }

  /** Runs `work` and returns what it wrote in place of writing it. */
  capture(work: () => void): string {
    const [text, root] = [this.#text, this.#root];
    this.#root ??= text;
    this.#text = '';
    work();
    const captured = this.#text;
    [this.#text, this.#root] = [text, root];
    return captured;
  }
}

/** The variables of the template that are no frame's: those it was given, and what it assigns at its top. */
export class Context {
  readonly #given: ReadonlyMap<string, Value>;
  readonly vars = new Map<string, Value>();

  constructor(given: ReadonlyMap<string, Value>) {
    this.#given = given;
  }

  resolve(name: string): Value | undefined {
    return this.vars.get(name) ?? this.#given.get(name);
  }

  /** A context that also has `locals`. */
  derived(locals: Iterable<readonly [string, Value]>): Context {
    return new Context(new Map([...this.#given, ...this.vars, ...locals]));
  }
}

/** The variables of one call of a function: the template, a macro, the condition of a loop. */
export class Scope {
  readonly vars: (Value | undefined)[];
  readonly up: Scope | null;
  readonly context: Context;
  readonly output: Output;

  constructor(size: number, up: Scope | null, context: Context, output: Output) {
    this.vars = new Array<Value | undefined>(size).fill(undefined);
    this.up = up;
    this.context = context;
    this.output = output;
  }
}

/** What evaluates an expression. */
export type Evaluate = (scope: Scope) => Value;

/** What a statement ends with: null goes on. */
export type Signal = 'break' | 'continue' | null;
export type Execute = (scope: Scope) => Signal;
