import { spendCharacters } from './budget.ts';
import type { Value } from './values.ts';

/**
 * A part of the rendered text marked by `{% generation %}`, in code points, as transformers' AssistantTracker counts.
 */
export interface Span {
  start: number;
  end: number;
}

/** Output of one rendering. */
export class Output {
  /** The output of the innermost buffer; the text itself if no buffer is open. */
  #text = '';
  /** The text when the outermost buffer was opened; null if none is open. */
  #root: string | null = null;
  readonly spans: Span[] = [];

  write(text: string): void {
    spendCharacters(text.length);
    this.#text += text;
  }

  /** The text so far, excluding buffers. */
  get text(): string {
    return this.#root ?? this.#text;
  }

  /** Runs `work` and returns its output instead of writing it. */
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

/** The variables of the template outside frames: its inputs, and top-level assignments. */
export class Context {
  readonly #given: ReadonlyMap<string, Value>;
  readonly vars = new Map<string, Value>();

  constructor(given: ReadonlyMap<string, Value>) {
    this.#given = given;
  }

  resolve(name: string): Value | undefined {
    return this.vars.get(name) ?? this.#given.get(name);
  }

  /** A context with additional `locals`. */
  derived(locals: Iterable<readonly [string, Value]>): Context {
    return new Context(new Map([...this.#given, ...this.vars, ...locals]));
  }
}

/** The variables of one function call: the template, a macro, the condition of a loop. */
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

/** A compiled expression. */
export type Evaluate = (scope: Scope) => Value;

/** Control flow after a statement: null continues normally. */
export type Signal = 'break' | 'continue' | null;
export type Execute = (scope: Scope) => Signal;
