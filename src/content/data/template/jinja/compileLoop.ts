import { nested, spendStep } from './budget.ts';
import { compileExpression } from './compileExpression.ts';
import { compileTarget } from './compileTarget.ts';
import type { Frame } from './frame.ts';
import { Loop } from './instances.ts';
import { iterate, truth } from './iterate.ts';
import { syntaxError } from './literals.ts';
import type { For, Statement, Target } from './nodes.ts';
import { Scope, type Execute } from './scope.ts';
import { DONE, generator, type Iteration, type Value } from './values.ts';
import { allStatements, undeclared } from './walk.ts';

type CompileBody = (body: readonly Statement[], frame: Frame) => Execute;

/** Compiles a for loop. */
export function compileLoop(node: For, frame: Frame, compileBody: CompileBody): Execute {
  const statements = [...allStatements([node])];
  const hasLoop =
    node.recursive ||
    undeclared(node.body, ['loop']).has('loop') ||
    statements.some((statement) => statement.type === 'block' && statement.scoped);
  // Models Python's stack, where such a loop is a function.
  const outer = node.recursive ? frame.innerFunction() : frame.inner();
  const loopFrame = outer.asLoop();
  const elseFrame = node.recursive ? frame.innerFunctionOf(outer) : frame.inner();

  const loopVariable = hasLoop ? loopFrame.symbols.declare('loop') : null;
  loopFrame.symbols.lookAtLoop(node, 'body');
  if (node.otherwise.length > 0) elseFrame.symbols.lookAtLoop(node, 'else');
  if (statements.some(assignsLoop) || targetsLoop(node.target)) {
    throw syntaxError("Can't assign to special loop variable in for-loop target", node.line);
  }

  const filter = node.test && compileFilter(node, frame);
  const assign = compileTarget(node.target, loopFrame);
  const writeLoop = loopVariable === null ? null : loopFrame.write(loopVariable);
  const [enter, leave] = [loopFrame.enter(), loopFrame.leave()];
  const body = compileBody(node.body, loopFrame);
  const [enterElse, leaveElse] = [elseFrame.enter(), elseFrame.leave()];
  const otherwise = node.otherwise.length > 0 ? compileBody(node.otherwise, elseFrame) : null;
  const iterable = compileExpression(node.iterable, frame);

  /** Runs the loop over `values`. Returns the signal of its else block, which may leave an outer loop. */
  const run = (scope: Scope, values: Value, loop: Loop | null): ReturnType<Execute> => {
    const next = loop ? () => loop.next() : iterate(values).next;
    // Only a completed iteration counts: after break or continue alone, the else block still runs.
    let completed = false;
    for (let item = next(); item !== DONE; item = next()) {
      spendStep();
      assign(scope, item);
      if (writeLoop) writeLoop(scope, loop as Loop);
      enter(scope);
      const signal = body(scope);
      if (signal === 'break') break;
      if (signal === null) completed = true;
    }
    leave(scope);
    if (!otherwise || completed) return null;
    enterElse(scope);
    const signal = otherwise(scope);
    if (signal === null) leaveElse(scope);
    return signal;
  };

  if (!node.recursive) {
    return (scope) => {
      spendStep();
      const values = iterable(scope);
      const filtered = filter ? filter(scope, values) : values;
      return run(scope, filtered, hasLoop ? new Loop(filtered, null, 0) : null);
    };
  }
  return (outerScope) => {
    const render = (values: Value, depth: number): Value =>
      nested(() => {
        const scope = new Scope(loopFrame.fn.size, outerScope, outerScope.context, outerScope.output);
        const filtered = filter ? filter(outerScope, values) : values;
        const loop = new Loop(filtered, render, depth);
        return scope.output.capture(() => run(scope, filtered, loop));
      });
    outerScope.output.write(render(iterable(outerScope), 0) as string);
    return null;
  };
}

/** The items that satisfy the condition of a loop, found lazily. */
function compileFilter(node: For, frame: Frame): (scope: Scope, values: Value) => Iteration {
  const inner = frame.innerFunction();
  inner.symbols.lookAtLoop(node, 'test');
  const assign = compileTarget(node.target, inner);
  const enter = inner.enter();
  const test = compileExpression(node.test as NonNullable<For['test']>, inner);
  return (outer, values) => {
    const scope = new Scope(inner.fn.size, outer, outer.context, outer.output);
    return generator(passing(scope));

    function* passing(own: Scope): Generator<Value> {
      enter(own);
      const { next } = iterate(values);
      for (let item = next(); item !== DONE; item = next()) {
        spendStep();
        const parts = assign(own, item);
        if (truth(test(own))) yield parts;
      }
    }
  };
}

const assignsLoop = (statement: Statement): boolean =>
  (statement.type === 'set' || statement.type === 'setBlock' || statement.type === 'for') &&
  targetsLoop(statement.target);

const targetsLoop = (target: Target): boolean =>
  target.type === 'name'
    ? target.name === 'loop'
    : target.type === 'targets' && target.items.some(targetsLoop);
