import { syntaxError } from './literals.ts';
import type { Arguments, CompareOperator, Expression } from './nodes.ts';
import type { BinaryOperator } from './operators.ts';
import type { Tokens } from './tokens.ts';
import { Float } from './values.ts';

/** Context of a tuple: some tags end where a conditional expression would continue. */
interface TupleRules {
  /** Default true. */
  conditions?: boolean;
  /** Names that end the tuple. */
  ends?: string[];
  /** In parentheses, where `()` is an empty tuple. */
  parentheses?: boolean;
}

const COMPARISONS = new Set<string>(['==', '!=', '<', '<=', '>', '>=']);

export function parseExpression(tokens: Tokens, conditions = true): Expression {
  return conditions ? parseCondition(tokens) : parseOr(tokens);
}

/** One expression, or a tuple if commas follow. */
export function parseTuple(tokens: Tokens, rules: TupleRules = {}): Expression {
  const items: Expression[] = [];
  let isTuple = false;
  while (!atEnd(tokens, rules.ends)) {
    items.push(parseExpression(tokens, rules.conditions));
    if (!tokens.skipOperator(',')) break;
    isTuple = true;
  }
  if (!isTuple && items[0]) return items[0];
  if (!isTuple && !rules.parentheses) throw tokens.unexpected('an expression');
  return { type: 'tuple', items };
}

/** Whether a tuple ends here. */
export function atEnd(tokens: Tokens, ends: string[] = []): boolean {
  return (
    tokens.isType('variable_end') ||
    tokens.isType('block_end') ||
    tokens.isOperator(')') ||
    tokens.isName(...ends)
  );
}

function parseCondition(tokens: Tokens): Expression {
  let expression = parseOr(tokens);
  for (let line = tokens.line; tokens.skipName('if'); line = tokens.line) {
    const test = parseOr(tokens);
    const otherwise = tokens.skipName('else') ? parseCondition(tokens) : null;
    expression = { type: 'condition', test, value: expression, otherwise, line };
  }
  return expression;
}

function parseOr(tokens: Tokens): Expression {
  let left = parseAnd(tokens);
  while (tokens.skipName('or')) left = { type: 'or', left, right: parseAnd(tokens) };
  return left;
}

function parseAnd(tokens: Tokens): Expression {
  let left = parseNot(tokens);
  while (tokens.skipName('and')) left = { type: 'and', left, right: parseNot(tokens) };
  return left;
}

function parseNot(tokens: Tokens): Expression {
  return tokens.skipName('not') ? { type: 'not', operand: parseNot(tokens) } : parseComparison(tokens);
}

function parseComparison(tokens: Tokens): Expression {
  const first = parseSum(tokens);
  const rest: { operator: CompareOperator; operand: Expression }[] = [];
  for (;;) {
    const { type, text } = tokens.current;
    let operator: CompareOperator;
    if (type === 'operator' && COMPARISONS.has(text)) operator = text as CompareOperator;
    else if (tokens.isName('in')) operator = 'in';
    else if (tokens.isName('not') && tokens.next.type === 'name' && tokens.next.text === 'in') {
      tokens.take();
      operator = 'not in';
    } else break;
    tokens.take();
    rest.push({ operator, operand: parseSum(tokens) });
  }
  return rest.length === 0 ? first : { type: 'compare', first, rest };
}

/** A level of left-associative binary operators. */
function level(
  operators: string[],
  parseOperand: (tokens: Tokens) => Expression,
): (tokens: Tokens) => Expression {
  return (tokens) => {
    let left = parseOperand(tokens);
    while (tokens.isOperator(...operators)) {
      const operator = tokens.take().text as BinaryOperator;
      left = { type: 'binary', operator, left, right: parseOperand(tokens) };
    }
    return left;
  };
}

const parsePower = level(['**'], (tokens) => parseUnary(tokens));
const parseProduct = level(['*', '/', '//', '%'], parsePower);
const parseSum = level(['+', '-'], parseConcat);

function parseConcat(tokens: Tokens): Expression {
  const first = parseProduct(tokens);
  if (!tokens.isOperator('~')) return first;
  const parts = [first];
  while (tokens.skipOperator('~')) parts.push(parseProduct(tokens));
  return { type: 'concat', parts };
}

function parseUnary(tokens: Tokens, filters = true): Expression {
  let expression: Expression;
  if (tokens.skipOperator('-')) expression = { type: 'negative', operand: parseUnary(tokens, false) };
  else if (tokens.skipOperator('+')) expression = { type: 'positive', operand: parseUnary(tokens, false) };
  else expression = parsePrimary(tokens);
  expression = parsePostfix(tokens, expression);
  return filters ? parseFilters(tokens, expression) : expression;
}

export function parsePrimary(tokens: Tokens): Expression {
  const { type, text, number } = tokens.current;
  switch (type) {
    case 'name':
      tokens.take();
      if (text === 'true' || text === 'True') return { type: 'constant', value: true };
      if (text === 'false' || text === 'False') return { type: 'constant', value: false };
      if (text === 'none' || text === 'None') return { type: 'constant', value: null };
      return { type: 'name', name: text };
    case 'string': {
      let value = '';
      while (tokens.isType('string')) value += tokens.take().text;
      return { type: 'constant', value };
    }
    case 'integer':
      tokens.take();
      return { type: 'constant', value: number };
    case 'float':
      tokens.take();
      return { type: 'constant', value: new Float(Number(number)) };
    default:
  }
  if (tokens.skipOperator('(')) {
    const expression = parseTuple(tokens, { parentheses: true });
    tokens.expectOperator(')');
    return expression;
  }
  if (tokens.skipOperator('[')) return { type: 'list', items: parseItems(tokens, ']', parseExpression) };
  if (tokens.skipOperator('{')) return { type: 'dict', pairs: parseItems(tokens, '}', parsePair) };
  throw tokens.unexpected('an expression');
}

/** Items separated by commas, up to `close`; a trailing comma is allowed. */
function parseItems<T>(tokens: Tokens, close: string, parse: (tokens: Tokens) => T): T[] {
  const items: T[] = [];
  while (!tokens.isOperator(close)) {
    if (items.length > 0) {
      tokens.expectOperator(',');
      if (tokens.isOperator(close)) break;
    }
    items.push(parse(tokens));
  }
  tokens.expectOperator(close);
  return items;
}

function parsePair(tokens: Tokens): [Expression, Expression] {
  const key = parseExpression(tokens);
  tokens.expectOperator(':');
  return [key, parseExpression(tokens)];
}

/** Attributes, subscripts and calls after an expression. */
export function parsePostfix(tokens: Tokens, start: Expression): Expression {
  let expression = start;
  for (;;) {
    const { line } = tokens;
    if (tokens.skipOperator('.')) expression = parseDot(tokens, expression);
    else if (tokens.skipOperator('[')) expression = parseSubscript(tokens, expression);
    else if (tokens.isOperator('('))
      expression = { type: 'call', callee: expression, arguments: parseArguments(tokens), line };
    else return expression;
  }
}

function parseDot(tokens: Tokens, object: Expression): Expression {
  if (tokens.isType('name')) return { type: 'attribute', object, name: tokens.take().text };
  if (!tokens.isType('integer')) throw tokens.unexpected('a name or number');
  return { type: 'item', object, key: { type: 'constant', value: tokens.take().number } };
}

function parseSubscript(tokens: Tokens, object: Expression): Expression {
  const keys: Expression[] = [];
  while (!tokens.isOperator(']')) {
    if (keys.length > 0) tokens.expectOperator(',');
    keys.push(parseKey(tokens));
  }
  tokens.expectOperator(']');
  const [key] = keys;
  return { type: 'item', object, key: keys.length === 1 && key ? key : { type: 'tuple', items: keys } };
}

/** A key, or a slice. */
function parseKey(tokens: Tokens): Expression {
  const part = () => (tokens.isOperator(':', ']', ',') ? null : parseExpression(tokens));
  const start = tokens.isOperator(':') ? null : parseExpression(tokens);
  if (!tokens.skipOperator(':')) return start as Expression;
  const stop = part();
  const step = tokens.skipOperator(':') ? part() : null;
  return { type: 'slice', start, stop, step };
}

export function parseArguments(tokens: Tokens): Arguments {
  const { line } = tokens;
  const found: Arguments = { args: [], keywords: [], moreArgs: null, moreKeywords: null };
  const check = (holds: boolean) => {
    if (!holds) throw syntaxError('invalid syntax for function call expression', line);
  };
  tokens.expectOperator('(');
  let first = true;
  while (!tokens.isOperator(')')) {
    if (!first) {
      tokens.expectOperator(',');
      if (tokens.isOperator(')')) break;
    }
    first = false;
    if (tokens.skipOperator('*')) {
      check(!found.moreArgs && !found.moreKeywords);
      found.moreArgs = parseExpression(tokens);
    } else if (tokens.skipOperator('**')) {
      check(!found.moreKeywords);
      found.moreKeywords = parseExpression(tokens);
    } else if (tokens.isType('name') && tokens.next.type === 'operator' && tokens.next.text === '=') {
      check(!found.moreKeywords);
      const name = tokens.take().text;
      tokens.take();
      check(found.keywords.every((keyword) => keyword.name !== name));
      found.keywords.push({ name, value: parseExpression(tokens) });
    } else {
      check(!found.moreArgs && !found.moreKeywords && found.keywords.length === 0);
      found.args.push(parseExpression(tokens));
    }
  }
  tokens.expectOperator(')');
  return found;
}

function parseFilters(tokens: Tokens, start: Expression): Expression {
  let expression = start;
  for (;;) {
    const { line } = tokens;
    if (tokens.isOperator('|')) expression = parseFilter(tokens, expression) as Expression;
    else if (tokens.isName('is')) expression = parseTest(tokens, expression);
    else if (tokens.isOperator('('))
      expression = { type: 'call', callee: expression, arguments: parseArguments(tokens), line };
    else return expression;
  }
}

const NO_ARGUMENTS: Arguments = { args: [], keywords: [], moreArgs: null, moreKeywords: null };

function dottedName(tokens: Tokens): string {
  let name = tokens.expectName();
  while (tokens.skipOperator('.')) name += `.${tokens.expectName()}`;
  return name;
}

/** The filters after `operand`; with `inline`, the first has no bar. */
export function parseFilter(tokens: Tokens, operand: Expression | null, inline = false): Expression | null {
  let expression = operand;
  for (let first = inline; first || tokens.isOperator('|'); first = false) {
    if (!first) tokens.take();
    const { line } = tokens;
    const name = dottedName(tokens);
    const given = tokens.isOperator('(') ? parseArguments(tokens) : NO_ARGUMENTS;
    expression = { type: 'filter', name, operand: expression, arguments: given, line };
  }
  return expression;
}

function parseTest(tokens: Tokens, operand: Expression): Expression {
  const { line } = tokens.take();
  const negated = tokens.skipName('not');
  const name = dottedName(tokens);
  let given = NO_ARGUMENTS;
  if (tokens.isOperator('(')) given = parseArguments(tokens);
  else if (startsOperand(tokens)) {
    if (tokens.isName('is')) throw syntaxError('You cannot chain multiple tests with is', tokens.line);
    given = { ...NO_ARGUMENTS, args: [parsePostfix(tokens, parsePrimary(tokens))] };
  }
  const test: Expression = { type: 'test', name, operand, arguments: given, line };
  return negated ? { type: 'not', operand: test } : test;
}

/** Whether the argument of a test without parentheses follows. */
function startsOperand(tokens: Tokens): boolean {
  if (tokens.isName('else', 'or', 'and')) return false;
  const { type } = tokens.current;
  return (
    type === 'name' ||
    type === 'string' ||
    type === 'integer' ||
    type === 'float' ||
    tokens.isOperator('[', '{')
  );
}
