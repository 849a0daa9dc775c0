import { withBudget, type Size } from './budget.ts';
import { Compiler, type Blocks } from './compileStatement.ts';
import { fromJs } from './convert.ts';
import { TemplateError } from './errors.ts';
import { Frame, FunctionFrame } from './frame.ts';
import { globals } from './globals.ts';
import type { Block, Statement } from './nodes.ts';
import { Context, Output, Scope, type Span } from './scope.ts';
import { parseTemplate } from './statements.ts';
import { Symbols } from './symbols.ts';
import { Callable, Instance, isString, textOf, Undefined, type Value } from './values.ts';
import { allStatements, undeclared } from './walk.ts';

export { TemplateError } from './errors.ts';

export interface Rendering {
  text: string;
  /** Ranges marked by `{% generation %}`, in code points of the text; empty if the template has no such tags. */
  spans: Span[];
}

/**
 * A chat template, following Jinja 3.1 as transformers configures it: an immutable sandbox, trim_blocks and
 * lstrip_blocks, `{% generation %}`, `{% break %}` and `{% continue %}`, and its own tojson.
 */
export class Template {
  /** Whether it has `{% generation %}` tags. */
  readonly marksGeneration: boolean;
  readonly #run: (scope: Scope) => void;
  readonly #frame: Frame;

  /** Compiles a template. Throws TemplateError where Jinja would reject it. */
  constructor(source: string) {
    const { body, blocks } = guarded(() => {
      const statements = parseTemplate(source);
      return {
        body: statements,
        blocks: [...allStatements(statements)].filter((node): node is Block => node.type === 'block'),
      };
    });
    this.marksGeneration = [...allStatements(body)].some(({ type }) => type === 'generation');
    this.#frame = new Frame(new Symbols(null), new FunctionFrame(0, null), { toplevel: true });
    this.#run = guarded(() => compile(body, blocks, this.#frame));
  }

  /** Renders it with `variables`, JavaScript values; limits scale with their `size`. Throws TemplateError. */
  render(variables: Readonly<Record<string, unknown>>, { now, size }: { now: Date; size: Size }): Rendering {
    return guarded(() =>
      withBudget(size, () => {
        const given = globals(now);
        for (const [name, value] of Object.entries(variables))
          if (value !== undefined) given.set(name, fromJs(value));
        const output = new Output();
        this.#run(new Scope(this.#frame.fn.size, null, new Context(given), output));
        return { text: output.text, spans: output.spans };
      }),
    );
  }
}

/** Treats a stack overflow of the engine like an exceeded limit. */
function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof RangeError)
      throw new TemplateError('limit', 'it goes too deep: no stack holds that');
    throw error;
  }
}

function compile(body: readonly Statement[], named: readonly Block[], frame: Frame): (scope: Scope) => void {
  const blocks: Blocks = new Map();
  const compiler = new Compiler(blocks);
  for (const { name, line } of named) {
    if (blocks.has(name))
      throw new TemplateError('TemplateSyntaxError', `line ${line}: block '${name}' defined twice`);
    blocks.set(name, () => undefined);
  }
  for (const block of named) blocks.set(block.name, compileBlock(block, compiler, blocks));

  const self = undeclared(body, ['self']).has('self') ? frame.symbols.declare('self') : null;
  frame.symbols.look(body);
  const enter = frame.enter();
  const run = compiler.body(body, frame);
  const writeSelf = self === null ? null : frame.write(self);
  return (scope) => {
    enter(scope);
    writeSelf?.(scope, new TemplateReference(blocks, scope));
    run(scope);
  };
}

/** A named block: a separate function that sees the context but no variables of frames. */
function compileBlock(
  block: Block,
  compiler: Compiler,
  blocks: Blocks,
): (scope: Scope, locals: ReadonlyMap<string, Value> | null) => void {
  const frame = new Frame(new Symbols(null), new FunctionFrame(0, null));
  const special = undeclared(block.body, ['self', 'super']);
  const [self, parent] = ['self', 'super'].map((name) =>
    special.has(name) ? frame.symbols.declare(name) : null,
  );
  frame.symbols.look(block.body);
  const enter = frame.enter();
  const run = compiler.body(block.body, frame);
  const writeSelf = self ? frame.write(self) : null;
  const writeParent = parent ? frame.write(parent) : null;
  return (outer, locals) => {
    const context = locals ? outer.context.derived(locals) : outer.context;
    const scope = new Scope(frame.fn.size, null, context, outer.output);
    enter(scope);
    writeSelf?.(scope, new TemplateReference(blocks, scope));
    writeParent?.(scope, new Undefined(`there is no parent block called '${block.name}'.`));
    run(scope);
  };
}

/** `self`, whose blocks can be called. */
class TemplateReference extends Instance {
  readonly typeName = 'TemplateReference';
  readonly #blocks: Blocks;
  readonly #scope: Scope;

  constructor(blocks: Blocks, scope: Scope) {
    super();
    this.#blocks = blocks;
    this.#scope = scope;
  }

  attribute(): undefined {
    return undefined;
  }

  override text(): string {
    return '<TemplateReference None>';
  }

  override item(key: Value): Value | undefined {
    const block = isString(key) ? this.#blocks.get(textOf(key)) : undefined;
    if (!block) return undefined;
    return new Callable(
      'block',
      () => this.#scope.output.capture(() => block(this.#scope, null)),
      'BlockReference',
    );
  }
}
