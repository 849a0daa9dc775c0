import { spendCharacters, spendItems, spendStep } from './budget.ts';
import { contains, equals, ordered } from './compare.ts';
import { Dict } from './dict.ts';
import { TemplateError, typeError } from './errors.ts';
import { filters } from './filters/index.ts';
import { tests } from './filters/tests.ts';
import type { Frame } from './frame.ts';
import { listOf, truth } from './iterate.ts';
import { syntaxError } from './literals.ts';
import type { Arguments, CompareOperator, Expression } from './nodes.ts';
import { negate } from './numbers.ts';
import { binary } from './operators.ts';
import type { Evaluate, Scope } from './scope.ts';
import { call, getAttribute, getItem, slice } from './subscript.ts';
import {
  Float,
  isString,
  NO_KEYWORDS,
  Slice,
  textOf,
  Tuple,
  typeName,
  Undefined,
  isInt,
  type Keywords,
  type Value,
} from './values.ts';
import { str } from './write.ts';

/**
 * Compiles `node` to a function that evaluates it in `frame`. Throws TemplateSyntaxError for unknown filters and tests.
 */
export function compileExpression(node: Expression, frame: Frame): Evaluate {
  switch (node.type) {
    case 'constant': {
      const { value } = node;
      return () => value;
    }
    case 'name':
      return compileName(node.name, frame);
    case 'list':
    case 'tuple': {
      const items = node.items.map((item) => compileExpression(item, frame));
      const isList = node.type === 'list';
      return (scope) => {
        spendItems(items.length);
        const values = items.map((item) => item(scope));
        return isList ? values : new Tuple(values);
      };
    }
    case 'dict': {
      const pairs = node.pairs.map(
        (pair) => pair.map((part) => compileExpression(part, frame)) as [Evaluate, Evaluate],
      );
      return (scope) => {
        const dict = new Dict();
        for (const [key, value] of pairs) dict.set(key(scope), value(scope));
        return dict;
      };
    }
    case 'binary': {
      const [left, right] = [compileExpression(node.left, frame), compileExpression(node.right, frame)];
      const { operator } = node;
      return (scope) => {
        spendStep();
        return binary(operator, left(scope), right(scope));
      };
    }
    case 'and':
    case 'or': {
      const [left, right] = [compileExpression(node.left, frame), compileExpression(node.right, frame)];
      const continuesIf = node.type === 'and';
      return (scope) => {
        spendStep();
        const value = left(scope);
        return truth(value) === continuesIf ? right(scope) : value;
      };
    }
    case 'not': {
      const operand = compileExpression(node.operand, frame);
      return (scope) => !truth(operand(scope));
    }
    case 'negative':
    case 'positive': {
      const operand = compileExpression(node.operand, frame);
      return node.type === 'negative'
        ? (scope) => negate(operand(scope))
        : (scope) => positive(operand(scope));
    }
    case 'compare':
      return compileComparison(node, frame);
    case 'concat': {
      const parts = node.parts.map((part) => compileExpression(part, frame));
      return (scope) => {
        spendStep();
        let text = '';
        for (const part of parts.map((evaluate) => evaluate(scope))) text += str(part);
        spendCharacters(text.length);
        return text;
      };
    }
    case 'condition':
      return compileCondition(node, frame.asSoft());
    case 'attribute': {
      const object = compileExpression(node.object, frame);
      const { name } = node;
      return (scope) => {
        spendStep();
        return getAttribute(object(scope), name);
      };
    }
    case 'item':
      return compileItem(node, frame);
    case 'slice': {
      const [start, stop, step] = [node.start, node.stop, node.step].map((part) =>
        part ? compileExpression(part, frame) : () => null,
      );
      return (scope) =>
        new Slice((start as Evaluate)(scope), (stop as Evaluate)(scope), (step as Evaluate)(scope));
    }
    case 'call': {
      const callee = compileExpression(node.callee, frame);
      const given = compileArguments(node.arguments, frame);
      return (scope) => {
        spendStep();
        const value = callee(scope);
        const { args, keywords } = given(scope);
        return call(value, args, keywords);
      };
    }
    case 'filter':
      if (!node.operand) throw syntaxError('a filter without a value', node.line);
      return compileFilter(node, compileExpression(node.operand, frame), frame);
    case 'test':
      return compileApplied('test', node, compileExpression(node.operand, frame), frame);
  }
}

function compileName(name: string, frame: Frame): Evaluate {
  const read = frame.read(frame.symbols.ref(name));
  const missing = new Undefined(`'${name}' is undefined`);
  return (scope) => {
    spendStep();
    const value = read(scope);
    return value === undefined ? missing : value;
  };
}

function positive(value: Value): Value {
  if (value instanceof Float) return value;
  if (isInt(value)) return typeof value === 'boolean' ? Number(value) : value;
  if (value instanceof Undefined) throw value.error();
  throw typeError(`bad operand type for unary +: '${typeName(value)}'`);
}

const COMPARE: Readonly<Record<CompareOperator, (a: Value, b: Value) => boolean>> = {
  '==': equals,
  '!=': (a, b) => !equals(a, b),
  '<': (a, b) => ordered('<', a, b),
  '<=': (a, b) => ordered('<=', a, b),
  '>': (a, b) => ordered('>', a, b),
  '>=': (a, b) => ordered('>=', a, b),
  in: (a, b) => contains(b, a),
  'not in': (a, b) => !contains(b, a),
};

/** `a < b < c` is true if both comparisons are; evaluation stops at the first that fails. */
function compileComparison(node: Extract<Expression, { type: 'compare' }>, frame: Frame): Evaluate {
  const first = compileExpression(node.first, frame);
  const rest = node.rest.map(({ operator, operand }) => ({
    holds: COMPARE[operator],
    operand: compileExpression(operand, frame),
  }));
  return (scope) => {
    spendStep();
    let left = first(scope);
    for (const { holds, operand } of rest) {
      const right = operand(scope);
      if (!holds(left, right)) return false;
      left = right;
    }
    return true;
  };
}

function compileCondition(node: Extract<Expression, { type: 'condition' }>, frame: Frame): Evaluate {
  const [test, then] = [compileExpression(node.test, frame), compileExpression(node.value, frame)];
  const missing = new Undefined(
    `the inline if-expression on line ${node.line} evaluated to false and no else section was defined.`,
  );
  const otherwise = node.otherwise ? compileExpression(node.otherwise, frame) : () => missing;
  return (scope) => {
    spendStep();
    return truth(test(scope)) ? then(scope) : otherwise(scope);
  };
}

function compileItem(node: Extract<Expression, { type: 'item' }>, frame: Frame): Evaluate {
  const [object, key] = [compileExpression(node.object, frame), compileExpression(node.key, frame)];
  if (node.key.type === 'slice') {
    return (scope) => {
      spendStep();
      return slice(object(scope), key(scope) as Slice);
    };
  }
  return (scope) => {
    spendStep();
    return getItem(object(scope), key(scope));
  };
}

type Given = (scope: Scope) => { args: readonly Value[]; keywords: Keywords };

/** Compiles the arguments of a call. */
export function compileArguments({ args, keywords, moreArgs, moreKeywords }: Arguments, frame: Frame): Given {
  const positional = args.map((arg) => compileExpression(arg, frame));
  const named = keywords.map(({ name, value }) => [name, compileExpression(value, frame)] as const);
  const more = moreArgs && compileExpression(moreArgs, frame);
  const moreNamed = moreKeywords && compileExpression(moreKeywords, frame);
  if (named.length === 0 && !more && !moreNamed) {
    return (scope) => ({ args: positional.map((arg) => arg(scope)), keywords: NO_KEYWORDS });
  }
  return (scope) => {
    const values = positional.map((arg) => arg(scope));
    const byName = new Map<string, Value>();
    for (const [name, value] of named) byName.set(name, value(scope));
    if (more) values.push(...listOf(more(scope)));
    if (moreNamed) addKeywords(byName, moreNamed(scope));
    return { args: values, keywords: byName };
  };
}

function addKeywords(keywords: Map<string, Value>, value: Value): void {
  if (!(value instanceof Dict))
    throw typeError(`argument after ** must be a mapping, not ${typeName(value)}`);
  for (const [key, item] of value.entries()) {
    if (!isString(key)) throw typeError('keywords must be strings');
    if (keywords.has(textOf(key)))
      throw typeError(`got multiple values for keyword argument '${textOf(key)}'`);
    keywords.set(textOf(key), item);
  }
}

/** Compiles a filter on the value of `operand`, or on the content of a block. */
export function compileFilter(
  node: Extract<Expression, { type: 'filter' }>,
  operand: Evaluate,
  frame: Frame,
): Evaluate {
  return compileApplied('filter', node, operand, frame);
}

function compileApplied(
  kind: 'filter' | 'test',
  { name, arguments: given, line }: { name: string; arguments: Arguments; line: number },
  operand: Evaluate,
  frame: Frame,
): Evaluate {
  const apply = (kind === 'filter' ? filters : tests).get(name);
  if (!apply && !frame.soft) throw syntaxError(`No ${kind} named '${name}'.`, line);
  const evaluate = compileArguments(given, frame);
  return (scope) => {
    spendStep();
    const value = operand(scope);
    const { args, keywords } = evaluate(scope);
    if (!apply) throw new TemplateError('TemplateRuntimeError', `No ${kind} named '${name}' found.`);
    return apply(value, args, keywords);
  };
}
