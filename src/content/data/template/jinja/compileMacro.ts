import { compileExpression } from './compileExpression.ts';
import type { CallBlock, Generation, Macro as MacroNode, Statement } from './nodes.ts';
import type { Frame } from './frame.ts';
import { Macro, type MacroShape } from './macro.ts';
import { Scope, type Evaluate, type Execute } from './scope.ts';
import { Undefined, type Value } from './values.ts';
import { syntaxError } from './literals.ts';
import { undeclared } from './walk.ts';

/**
 * Compiles a macro to a function that creates it when its tag is reached. `compileBody` compiles statements in the
 * macro's frame.
 */
export function compileMacro(
  node: MacroNode | CallBlock | Generation,
  outer: Frame,
  compileBody: (body: readonly Statement[], frame: Frame) => Execute,
): (scope: Scope) => Macro {
  const frame = outer.innerFunction();
  const { symbols } = frame;
  const { names, defaults } = node.parameters;
  const look = () => {
    for (const name of names) symbols.declare(name);
    for (const value of defaults) symbols.expression(value);
    symbols.look(node.body);
  };
  look();

  const used = undeclared(node.body, ['caller', 'kwargs', 'varargs']);
  const callerAt = names.indexOf('caller');
  if (used.has('caller') && callerAt >= 0 && callerAt < names.length - defaults.length) {
    throw syntaxError('the special "caller" argument must be omitted or be given a default', node.line);
  }
  const special = (name: string) => used.has(name) && !names.includes(name);
  const extra = ['caller', 'kwargs', 'varargs'].filter(special);
  const variables = [
    ...names.map((name) => symbols.ref(name)),
    ...extra.map((name) => symbols.declare(name)),
  ];
  look();

  const writes = variables.map((variable) => frame.write(variable));
  const enter = frame.enter();
  const withDefault = names.map((name, i) => ({
    read: frame.read(variables[i] as string),
    write: writes[i] as (scope: Scope, value: Value) => void,
    value: defaultOf(name, i),
  }));
  const body = compileBody(node.body, frame);
  const shape: MacroShape = {
    name: node.type === 'macro' ? node.name : null,
    parameters: names,
    usesCaller: used.has('caller'),
    catchesKeywords: special('kwargs'),
    catchesArgs: special('varargs'),
  };

  return (outerScope) =>
    new Macro(shape, (values) => {
      const scope = new Scope(frame.fn.size, outerScope, outerScope.context, outerScope.output);
      for (const [i, write] of writes.entries()) write(scope, values[i]);
      return scope.output.capture(() => {
        enter(scope);
        for (const { read, write, value } of withDefault)
          if (read(scope) === undefined) write(scope, value(scope));
        body(scope);
      });
    });

  function defaultOf(name: string, i: number): Evaluate {
    const expression = defaults[i - names.length + defaults.length];
    if (expression) return compileExpression(expression, frame);
    const missing = new Undefined(`parameter '${name}' was not provided`);
    return () => missing;
  }
}
