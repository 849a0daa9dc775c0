import { atEnd, parsePrimary } from './expressions.ts';
import { syntaxError } from './literals.ts';
import type { Expression, Target } from './nodes.ts';
import type { Tokens } from './tokens.ts';

/** An assignment target: a name, names in a tuple, and attributes of namespaces if `attributes`. */
export function parseTarget(tokens: Tokens, { ends = [] as string[], attributes = false } = {}): Target {
  const items: Target[] = [];
  let isTuple = false;
  while (!atEnd(tokens, ends)) {
    items.push(parseTargetItem(tokens, attributes));
    if (!tokens.skipOperator(',')) break;
    isTuple = true;
  }
  if (!isTuple && items[0]) return items[0];
  if (!isTuple) throw tokens.unexpected('a name to assign to');
  return { type: 'targets', items };
}

function parseTargetItem(tokens: Tokens, attributes: boolean): Target {
  const { line } = tokens;
  if (attributes && tokens.isType('name') && tokens.next.type === 'operator' && tokens.next.text === '.') {
    const name = tokens.take().text;
    tokens.take();
    return { type: 'attributeTarget', name, attribute: tokens.expectName() };
  }
  const expression = parsePrimary(tokens);
  return targetOf(expression, line);
}

function targetOf(expression: Expression, line: number): Target {
  if (expression.type === 'name') return expression;
  if (expression.type === 'tuple')
    return { type: 'targets', items: expression.items.map((item) => targetOf(item, line)) };
  throw syntaxError(`can't assign to '${expression.type}'`, line);
}
