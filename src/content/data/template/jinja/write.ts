import { nestedValue, spendCharacters, spendSteps } from './budget.ts';
import { floatText } from './decimals.ts';
import { Dict } from './dict.ts';
import { unsupported } from './errors.ts';
import { isPrintable } from './letters.ts';
import { intText } from './numbers.ts';
import {
  Callable,
  Float,
  Instance,
  type Iteration,
  Markup,
  Range,
  Slice,
  Tuple,
  Undefined,
  type Value,
} from './values.ts';

/** str(value) */
export function str(value: Value): string {
  if (typeof value === 'string') return value;
  if (value instanceof Markup) return value.text;
  if (value instanceof Undefined) return '';
  return repr(value);
}

/** repr(value): texts in quotes. Rejects values that Python would write with a memory address. */
export function repr(value: Value): string {
  if (value === null) return 'None';
  switch (typeof value) {
    case 'boolean':
      return value ? 'True' : 'False';
    case 'number':
    case 'bigint':
      return intText(value);
    case 'string':
      return quote(value);
    default:
  }
  if (value instanceof Float) return floatText(value.value);
  if (Array.isArray(value)) return `[${list(value)}]`;
  if (value instanceof Tuple)
    return value.items.length === 1 ? `(${list(value.items)},)` : `(${list(value.items)})`;
  if (value instanceof Dict) return `{${pairs(value)}}`;
  if (value instanceof Markup) return `Markup(${quote(value.text)})`;
  if (value instanceof Undefined) return 'Undefined';
  if (value instanceof Range)
    return `range(${value.start}, ${value.stop}${value.step === 1 ? '' : `, ${value.step}`})`;
  if (value instanceof Slice) return `slice(${list([value.start, value.stop, value.step])})`;
  if (value instanceof Instance && value.text) return nestedValue(() => value.text?.(repr) ?? '');
  const name = value instanceof Callable ? `${value.typeName} ${value.name}` : (value as Iteration).typeName;
  throw unsupported(`writing a ${name} as text: Python writes its address in memory`);
}

function list(items: readonly Value[]): string {
  return joined(items.length, () => items.map(repr));
}

function pairs(dict: Dict): string {
  return joined(dict.size, () => [...dict.entries()].map(([key, value]) => `${repr(key)}: ${repr(value)}`));
}

function joined(count: number, write: () => string[]): string {
  spendSteps(count);
  const text = nestedValue(write).join(', ');
  spendCharacters(text.length);
  return text;
}

const PLAIN = /^[\x20-\x7e]*$/;
const ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\' };

/** A text as a Python literal: in single quotes, or double quotes if it contains only single ones. */
export function quote(text: string): string {
  spendCharacters(text.length);
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  if (PLAIN.test(text) && !text.includes('\\') && !text.includes(mark)) return mark + text + mark;
  let result = mark;
  for (const char of text)
    result += ESCAPES[char] ?? (char === mark ? `\\${char}` : isPrintable(char) ? char : escape(char));
  return result + mark;
}

function escape(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  if (code < 0x100) return `\\x${hex.padStart(2, '0')}`;
  return code < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}
