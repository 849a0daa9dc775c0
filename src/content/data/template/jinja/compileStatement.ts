import { spendStep } from './budget.ts';
import { compileArguments, compileExpression, compileFilter } from './compileExpression.ts';
import { compileLoop } from './compileLoop.ts';
import { compileMacro } from './compileMacro.ts';
import { compileNamespaceCheck, compileTarget, namesOf } from './compileTarget.ts';
import { TemplateError, typeError } from './errors.ts';
import { inTurn, type Frame } from './frame.ts';
import { truth } from './iterate.ts';
import { syntaxError } from './literals.ts';
import type { Block, Expression, Filter, If, Statement } from './nodes.ts';
import type { Evaluate, Execute, Scope } from './scope.ts';
import { call } from './subscript.ts';
import { lengthOf } from './text.ts';
import { isString, textOf, typeName, type Value } from './values.ts';
import { str } from './write.ts';

/** Named blocks; each runs in a context. */
export type Blocks = Map<string, (scope: Scope, locals: ReadonlyMap<string, Value> | null) => void>;

/** Compiles the statements of one template. */
export class Compiler {
  readonly #blocks: Blocks;

  constructor(blocks: Blocks) {
    this.#blocks = blocks;
  }

  body = (statements: readonly Statement[], frame: Frame): Execute =>
    inTurn(statements.map((statement) => this.#statement(statement, frame)));

  #statement(node: Statement, frame: Frame): Execute {
    switch (node.type) {
      case 'output':
        return compileOutput(node.parts, frame);
      case 'set':
        return this.#set(node, frame);
      case 'setBlock':
        return this.#setBlock(node, frame);
      case 'for':
        return compileLoop(node, frame, this.body);
      case 'if':
        return this.#if(node, frame.asSoft());
      case 'macro': {
        const make = compileMacro(node, frame, this.body);
        const write = frame.write(frame.symbols.ref(node.name));
        return (scope) => {
          const macro = make(scope);
          if (frame.toplevel) scope.context.vars.set(node.name, macro);
          write(scope, macro);
          return null;
        };
      }
      case 'callBlock':
        return this.#callBlock(node, frame);
      case 'generation':
        return this.#generation(node, frame);
      case 'filterBlock':
        return this.#filterBlock(node, frame);
      case 'with':
        return this.#with(node, frame);
      case 'scope': {
        const inner = frame.inner();
        inner.symbols.look(node.body);
        return this.#framed(inner, this.body(node.body, inner));
      }
      case 'block':
        return this.#block(node, frame);
      case 'break':
      case 'continue':
        if (!frame.inLoop) throw syntaxError(`{% ${node.type} %} outside a loop`, node.line);
        return () => node.type as 'break' | 'continue';
      case 'load':
        return () => {
          throw new TemplateError('unsupported', `{% ${node.tag} %}: a chat template is one file`);
        };
    }
  }

  /** Enters a frame, runs its body, and leaves the frame. */
  #framed(frame: Frame, body: Execute): Execute {
    const [enter, leave] = [frame.enter(), frame.leave()];
    return (scope) => {
      enter(scope);
      const signal = body(scope);
      if (signal === null) leave(scope);
      return signal;
    };
  }

  #set({ target, value }: Extract<Statement, { type: 'set' }>, frame: Frame): Execute {
    const check = compileNamespaceCheck(target, frame);
    const evaluate = compileExpression(value, frame);
    const assign = compileTarget(target, frame);
    const publish = publisher(namesOf(target), frame);
    return (scope) => {
      spendStep();
      check(scope);
      assign(scope, evaluate(scope));
      publish(scope);
      return null;
    };
  }

  #setBlock({ target, filter, body }: Extract<Statement, { type: 'setBlock' }>, frame: Frame): Execute {
    const inner = frame.inner();
    inner.symbols.look(body);
    const capture = captured(this.body(body, inner));
    const evaluate = filtered(filter, inner, capture.value);
    const assign = compileTarget(target, frame);
    const publish = publisher(namesOf(target), frame);
    return this.#framed(inner, (scope) => {
      spendStep();
      const signal = capture.run(scope);
      if (signal !== null) return signal;
      assign(scope, evaluate(scope));
      publish(scope);
      return null;
    });
  }

  #if(node: If, frame: Frame): Execute {
    const branches = [node, ...node.elifs].map(({ test, body }) => ({
      test: compileExpression(test, frame),
      body: this.body(body, frame),
    }));
    const otherwise = this.body(node.otherwise, frame);
    return (scope) => {
      spendStep();
      for (const { test, body } of branches) if (truth(test(scope))) return body(scope);
      return otherwise(scope);
    };
  }

  #callBlock(node: Extract<Statement, { type: 'callBlock' }>, frame: Frame): Execute {
    const make = compileMacro(node, frame, this.body);
    const callee = compileExpression(node.call.callee, frame);
    if (node.call.arguments.keywords.some(({ name }) => name === 'caller'))
      throw syntaxError('keyword argument repeated: caller', node.line);
    const given = compileArguments(node.call.arguments, frame);
    return (scope) => {
      spendStep();
      const caller = make(scope);
      const value = callee(scope);
      const { args, keywords } = given(scope);
      if (keywords.has('caller')) throw typeError("got multiple values for keyword argument 'caller'");
      writeText(scope, call(value, args, new Map([...keywords, ['caller', caller]])));
      return null;
    };
  }

  /**
   * As in transformers' AssistantTracker: the span starts at the current length of the text, and has the length of the
   * block.
   */
  #generation(node: Extract<Statement, { type: 'generation' }>, frame: Frame): Execute {
    const make = compileMacro(node, frame, this.body);
    return (scope) => {
      const text = call(make(scope), []) as string;
      const start = lengthOf(scope.output.text);
      scope.output.spans.push({ start, end: start + lengthOf(text) });
      scope.output.write(text);
      return null;
    };
  }

  #filterBlock({ filter, body }: Extract<Statement, { type: 'filterBlock' }>, frame: Frame): Execute {
    const inner = frame.inner();
    inner.symbols.look(body);
    inner.symbols.expression(filter);
    const capture = captured(this.body(body, inner));
    const evaluate = filtered(filter, inner, capture.value);
    return this.#framed(inner, (scope) => {
      spendStep();
      const signal = capture.run(scope);
      if (signal !== null) return signal;
      writeText(scope, evaluate(scope));
      return null;
    });
  }

  #with({ targets, values, body }: Extract<Statement, { type: 'with' }>, frame: Frame): Execute {
    const inner = frame.inner();
    for (const target of targets) inner.symbols.declareTarget(target);
    inner.symbols.look(body);
    const assignments = targets.map((target, i) => ({
      assign: compileTarget(target, inner),
      evaluate: compileExpression(values[i] as Expression, frame),
    }));
    const run = this.body(body, inner);
    return this.#framed(inner, (scope) => {
      spendStep();
      for (const { assign, evaluate } of assignments) assign(scope, evaluate(scope));
      return run(scope);
    });
  }

  #block({ name, scoped, required }: Block, frame: Frame): Execute {
    const visible = [...(scoped ? frame.symbols.visible() : [])].map(
      ([local, variable]) => [local, frame.read(variable)] as const,
    );
    return (scope) => {
      spendStep();
      if (required) throw new TemplateError('TemplateRuntimeError', `Required block '${name}' not found`);
      const locals = visible.flatMap(([local, read]) => {
        const value = read(scope);
        return value === undefined ? [] : [[local, value] as const];
      });
      this.#blocks.get(name)?.(scope, scoped ? new Map(locals) : null);
      return null;
    };
  }
}

function compileOutput(parts: Extract<Statement, { type: 'output' }>['parts'], frame: Frame): Execute {
  const writes = parts.map((part): ((scope: Scope) => void) => {
    if (part.type === 'text') return (scope) => scope.output.write(part.text);
    const evaluate = compileExpression(part, frame);
    return (scope) => scope.output.write(str(evaluate(scope)));
  });
  return (scope) => {
    spendStep();
    for (const write of writes) write(scope);
    return null;
  };
}

/** Runs a body and captures its output for a filter. */
function captured(body: Execute): { run: Execute; value: Evaluate } {
  const texts = new WeakMap<Scope, string>();
  return {
    run: (scope) => {
      let signal: ReturnType<Execute> = null;
      const text = scope.output.capture(() => {
        signal = body(scope);
      });
      texts.set(scope, text);
      return signal;
    },
    value: (scope) => texts.get(scope) ?? '',
  };
}

/** The filters of a block, from the innermost, whose value is the captured output. */
function filtered(filter: Filter | null, frame: Frame, value: Evaluate): Evaluate {
  if (!filter) return value;
  const operand = filter.operand ? filtered(filter.operand as Filter, frame, value) : value;
  return compileFilter(filter, operand, frame);
}

/** A tag's output must be a text: Jinja joins it without a check. */
function writeText(scope: Scope, value: Value): void {
  if (!isString(value)) throw typeError(`expected str instance, ${typeName(value)} found`);
  scope.output.write(textOf(value));
}

/** Makes names assigned at the top level of a template visible to its blocks. */
function publisher(names: readonly string[], frame: Frame): (scope: Scope) => void {
  if (!frame.toplevel) return () => undefined;
  const reads = names.map((name) => [name, frame.read(frame.symbols.ref(name))] as const);
  return (scope) => {
    for (const [name, read] of reads) scope.context.vars.set(name, read(scope) as Value);
  };
}
