import type { Arguments, Expression, Statement, Target } from './nodes.ts';

function* inArguments({ args, keywords, moreArgs, moreKeywords }: Arguments): Generator<Expression> {
  yield* args;
  for (const { value } of keywords) yield value;
  if (moreArgs) yield moreArgs;
  if (moreKeywords) yield moreKeywords;
}

/** The direct subexpressions of an expression. */
export function* childrenOf(node: Expression): Generator<Expression> {
  switch (node.type) {
    case 'list':
    case 'tuple':
      yield* node.items;
      break;
    case 'dict':
      for (const pair of node.pairs) yield* pair;
      break;
    case 'binary':
    case 'and':
    case 'or':
      yield node.left;
      yield node.right;
      break;
    case 'not':
    case 'negative':
    case 'positive':
      yield node.operand;
      break;
    case 'compare':
      yield node.first;
      for (const { operand } of node.rest) yield operand;
      break;
    case 'concat':
      yield* node.parts;
      break;
    case 'condition':
      yield node.test;
      yield node.value;
      if (node.otherwise) yield node.otherwise;
      break;
    case 'attribute':
      yield node.object;
      break;
    case 'item':
      yield node.object;
      yield node.key;
      break;
    case 'slice':
      if (node.start) yield node.start;
      if (node.stop) yield node.stop;
      if (node.step) yield node.step;
      break;
    case 'call':
      yield node.callee;
      yield* inArguments(node.arguments);
      break;
    case 'filter':
    case 'test':
      if (node.operand) yield node.operand;
      yield* inArguments(node.arguments);
      break;
    default:
  }
}

/** An occurrence of a name: read, or assigned. */
export type Use = { name: string; read: boolean };

function* inTarget(target: Target): Generator<Use> {
  if (target.type === 'name') yield { name: target.name, read: false };
  else if (target.type === 'targets') for (const item of target.items) yield* inTarget(item);
}

function* inExpression(expression: Expression): Generator<Use> {
  if (expression.type === 'name') yield { name: expression.name, read: true };
  else for (const child of childrenOf(expression)) yield* inExpression(child);
}

const parameters = (names: readonly string[]): Use[] => names.map((name) => ({ name, read: false }));

/** Every use of a name in statements and everything nested in them, except named blocks, in Jinja's order. */
export function* usesIn(statements: readonly Statement[]): Generator<Use> {
  for (const node of statements) {
    switch (node.type) {
      case 'output':
        for (const part of node.parts) if (part.type !== 'text') yield* inExpression(part);
        break;
      case 'set':
        yield* inTarget(node.target);
        yield* inExpression(node.value);
        break;
      case 'setBlock':
        yield* inTarget(node.target);
        if (node.filter) yield* inExpression(node.filter);
        yield* usesIn(node.body);
        break;
      case 'for':
        yield* inTarget(node.target);
        yield* inExpression(node.iterable);
        yield* usesIn(node.body);
        yield* usesIn(node.otherwise);
        if (node.test) yield* inExpression(node.test);
        break;
      case 'if':
        yield* inExpression(node.test);
        yield* usesIn(node.body);
        yield* usesIn(node.elifs);
        yield* usesIn(node.otherwise);
        break;
      case 'macro':
      case 'callBlock':
      case 'generation':
        if (node.type === 'callBlock') yield* inExpression(node.call);
        yield* parameters(node.parameters.names);
        for (const value of node.parameters.defaults) yield* inExpression(value);
        yield* usesIn(node.body);
        break;
      case 'filterBlock':
        yield* usesIn(node.body);
        yield* inExpression(node.filter);
        break;
      case 'with':
        for (const target of node.targets) yield* inTarget(target);
        for (const value of node.values) yield* inExpression(value);
        yield* usesIn(node.body);
        break;
      case 'scope':
        yield* usesIn(node.body);
        break;
      case 'load':
        yield* inExpression(node.source);
        break;
      default:
    }
  }
}

/** The names that are read before they are assigned. */
export function undeclared(statements: readonly Statement[], names: readonly string[]): Set<string> {
  const open = new Set(names);
  const found = new Set<string>();
  for (const { name, read } of usesIn(statements)) {
    if (!open.has(name)) continue;
    if (read) found.add(name);
    else open.delete(name);
  }
  return found;
}

/** All statements, including nested ones. */
export function* allStatements(statements: readonly Statement[]): Generator<Statement> {
  for (const node of statements) {
    yield node;
    if ('body' in node) yield* allStatements(node.body);
    if (node.type === 'if') yield* allStatements(node.elifs);
    if ('otherwise' in node) yield* allStatements(node.otherwise);
  }
}
