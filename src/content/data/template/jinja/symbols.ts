import { TemplateError } from './errors.ts';
import type { Expression, For, Statement, Target } from './nodes.ts';
import { childrenOf } from './walk.ts';

/*
 * Resolves which variable a name refers to. Jinja decides it at compile time: each frame (template, loop, macro, with,
 * …) has variables of its own level; a name that is only read refers to the outer frame's variable or the context's;
 * one that is assigned is a variable of this frame, initialized from the outer one. Branches of an if share the frame.
 */

/** The initial value of a frame's variable. */
export type Load =
  | { from: 'parameter' }
  | { from: 'context'; name: string }
  | { from: 'variable'; variable: string }
  | { from: 'nothing' };

/** A variable's name within its template: the level of its frame, and the name. */
export const variableOf = (level: number, name: string): string => `${level} ${name}`;
export const levelOf = (variable: string): number => Number.parseInt(variable, 10);

export class Symbols {
  readonly level: number;
  readonly parent: Symbols | null;
  readonly refs: Map<string, string>;
  readonly loads: Map<string, Load>;
  readonly stores: Set<string>;

  constructor(parent: Symbols | null, from?: Symbols) {
    this.parent = parent;
    this.level = from ? from.level : parent ? parent.level + 1 : 0;
    this.refs = new Map(from?.refs);
    this.loads = new Map(from?.loads);
    this.stores = new Set(from?.stores);
  }

  copy(): Symbols {
    return new Symbols(this.parent, this);
  }

  #define(name: string, load: Load): string {
    const variable = variableOf(this.level, name);
    this.refs.set(name, variable);
    this.loads.set(variable, load);
    return variable;
  }

  find(name: string): string | undefined {
    return this.refs.get(name) ?? this.parent?.find(name);
  }

  /**
   * The variable that `name` refers to. Throws AssertionError for a name that was not analyzed before, as Jinja does.
   */
  ref(name: string): string {
    const variable = this.find(name);
    if (variable === undefined)
      throw new TemplateError('AssertionError', `the name '${name}' is unknown in its frame`);
    return variable;
  }

  declare(name: string): string {
    this.stores.add(name);
    return this.#define(name, { from: 'parameter' });
  }

  load(name: string): void {
    if (this.find(name) === undefined) this.#define(name, { from: 'context', name });
  }

  store(name: string): void {
    this.stores.add(name);
    if (this.refs.has(name)) return;
    const outer = this.parent?.find(name);
    this.#define(name, outer === undefined ? { from: 'nothing' } : { from: 'variable', variable: outer });
  }

  /** Merges the definitions of an if's branches; variables that only some assign are initialized from outside. */
  join(branches: readonly Symbols[]): void {
    const stored = new Set(
      branches.flatMap((branch) => [...branch.stores]).filter((name) => !this.stores.has(name)),
    );
    for (const branch of branches) {
      for (const [name, variable] of branch.refs) this.refs.set(name, variable);
      for (const [variable, load] of branch.loads) this.loads.set(variable, load);
      for (const name of branch.stores) this.stores.add(name);
    }
    for (const name of stored) {
      const outer = this.parent?.find(name);
      this.loads.set(
        this.ref(name),
        outer === undefined ? { from: 'context', name } : { from: 'variable', variable: outer },
      );
    }
  }

  /** The variables of this frame and its parents that the template's blocks see. */
  visible(): Map<string, string> {
    const found = this.parent?.visible() ?? new Map<string, string>();
    for (const name of this.stores) found.set(name, this.ref(name));
    return found;
  }

  /** Analyzes statements of this frame; for nested frames, only their effects outside. */
  look(statements: readonly Statement[]): void {
    for (const statement of statements) this.#statement(statement);
  }

  /** Analyzes the frame of a loop: its body, its else or its condition. */
  lookAtLoop(loop: For, part: 'body' | 'else' | 'test'): void {
    if (part === 'else') return this.look(loop.otherwise);
    this.declareTarget(loop.target);
    if (part === 'body') this.look(loop.body);
    else if (loop.test) this.expression(loop.test);
  }

  declareTarget(target: Target): void {
    if (target.type === 'name') this.declare(target.name);
    else if (target.type === 'targets') target.items.forEach((item) => this.declareTarget(item));
  }

  expression(expression: Expression): void {
    if (expression.type === 'name') this.load(expression.name);
    else for (const child of childrenOf(expression)) this.expression(child);
  }

  #target(target: Target): void {
    if (target.type === 'name') this.store(target.name);
    else if (target.type === 'attributeTarget') this.load(target.name);
    else for (const item of target.items) this.#target(item);
  }

  #statement(statement: Statement): void {
    switch (statement.type) {
      case 'output':
        for (const part of statement.parts) if (part.type !== 'text') this.expression(part);
        break;
      case 'set':
        this.expression(statement.value);
        this.#target(statement.target);
        break;
      case 'setBlock':
        this.#target(statement.target);
        break;
      case 'for':
        this.expression(statement.iterable);
        break;
      case 'if': {
        this.expression(statement.test);
        const branch = (body: readonly Statement[]) => {
          const symbols = this.copy();
          symbols.look(body);
          return symbols;
        };
        this.join([branch(statement.body), branch(statement.elifs), branch(statement.otherwise)]);
        break;
      }
      case 'macro':
        this.store(statement.name);
        break;
      case 'callBlock':
        this.expression(statement.call);
        break;
      case 'filterBlock':
        this.expression(statement.filter);
        break;
      case 'with':
        for (const value of statement.values) this.expression(value);
        break;
      case 'load':
        this.expression(statement.source);
        for (const name of statement.names) this.store(name);
        break;
      default:
    }
  }
}
