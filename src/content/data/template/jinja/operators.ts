import { spendCharacters, spendItems } from './budget.ts';
import { DictView } from './dict.ts';
import { TemplateError, typeError, unsupported } from './errors.ts';
import { arithmetic, index } from './numbers.ts';
import { escapeHtml } from './markup.ts';
import { formatPercent } from './percent.ts';
import {
  isInt,
  isNumber,
  isString,
  Markup,
  textOf,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from './values.ts';

export type BinaryOperator = '+' | '-' | '*' | '/' | '//' | '%' | '**';

/** Applies a binary operator. Throws TypeError, and the error of an undefined value. */
export function binary(operator: BinaryOperator, a: Value, b: Value): Value {
  if (typeof a === 'number' && typeof b === 'number') return arithmetic(operator, a, b);
  if (operator === '+' && typeof a === 'string' && typeof b === 'string') {
    spendCharacters(a.length + b.length);
    return a + b;
  }
  if (isNumber(a) && isNumber(b)) return arithmetic(operator, a, b);
  if (operator === '%' && isString(a)) return formatPercent(a, b);
  if (a instanceof Undefined) throw a.error();
  if (b instanceof Undefined) throw b.error();
  const result = operator === '+' ? add(a, b) : operator === '*' ? multiply(a, b) : undefined;
  if (result !== undefined) return result;
  if (operator === '-' && a instanceof DictView) throw unsupported('a set: its order is not known');
  const name = operator === '**' ? '** or pow()' : operator;
  throw typeError(`unsupported operand type(s) for ${name}: '${typeName(a)}' and '${typeName(b)}'`);
}

function add(a: Value, b: Value): Value | undefined {
  if (isString(a) && isString(b)) {
    // If one is Markup, the other is escaped.
    const text = escapeHtml(a) + escapeHtml(b);
    spendCharacters(text.length);
    return new Markup(text);
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    spendItems(a.length + b.length);
    return [...a, ...b];
  }
  if (a instanceof Tuple && b instanceof Tuple) {
    spendItems(a.items.length + b.items.length);
    return new Tuple([...a.items, ...b.items]);
  }
  return undefined;
}

function multiply(a: Value, b: Value): Value | undefined {
  if (isInt(a)) return isInt(b) ? undefined : multiply(b, a);
  if (!isInt(b)) return undefined;
  if (!(isString(a) || Array.isArray(a) || a instanceof Tuple)) return undefined;
  if (typeof b === 'bigint')
    throw new TemplateError('OverflowError', "cannot fit 'int' into an index-sized integer");
  const times = Math.max(0, index(b));
  if (isString(a)) {
    const text = textOf(a);
    spendCharacters(text.length * times);
    const result = text === '' ? '' : text.repeat(times);
    return typeof a === 'string' ? result : new Markup(result);
  }
  if (Array.isArray(a)) return repeat(a, times);
  return new Tuple(repeat(a.items, times));
}

function repeat(items: readonly Value[], times: number): Value[] {
  if (items.length === 0) return [];
  spendItems(items.length * times);
  const result: Value[] = [];
  for (let i = 0; i < times; i++) for (const item of items) result.push(item);
  return result;
}
