import { spendCharacters, spendScan, spendStep } from './budget.ts';
import type { Dict } from './dict.ts';
import { TemplateError, typeError, valueError } from './errors.ts';
import { format } from './formatSpec.ts';
import { escapeHtml, escapeText } from './markup.ts';
import { isString, Markup, textOf, type Keywords, type Value } from './values.ts';
import { repr, str } from './write.ts';

/** Field access as in a template, by attribute and by key. */
export interface Lookup {
  attribute(value: Value, name: string): Value;
  item(value: Value, key: Value): Value;
}

/** template.format(*args, **keywords). Throws ValueError, KeyError, IndexError, TypeError. */
export function formatFields(
  template: string | Markup,
  args: readonly Value[],
  keywords: Keywords | Dict,
  lookup: Lookup,
): Value {
  const isMarkup = template instanceof Markup;
  let automatic = 0;
  const named = (key: string): Value => {
    const value = keywords.get(key);
    if (value === undefined) throw new TemplateError('KeyError', repr(key));
    return value;
  };
  const numbered = (at: number): Value => {
    const value = args[at];
    if (value === undefined)
      throw new TemplateError('IndexError', `Replacement index ${at} out of range for positional args tuple`);
    return value;
  };

  const first = (name: string): Value => {
    if (name !== '' && !/^\d+$/.test(name)) return named(name);
    if (name === '' ? automatic < 0 : automatic > 0)
      throw valueError('cannot switch between manual and automatic field numbering');
    if (name !== '') automatic = -1;
    return numbered(name === '' ? automatic++ : Number(name));
  };

  const value = (field: string): Value => {
    const [start] = /^[^.[]*/.exec(field) ?? [''];
    let result = first(start);
    const rest = /\.([^.[]+)|\[([^\]]+)\]/gy;
    let at = start.length;
    for (;;) {
      rest.lastIndex = at;
      const match = rest.exec(field);
      if (!match) break;
      at = rest.lastIndex;
      const [, attribute, key = ''] = match;
      result =
        attribute === undefined
          ? lookup.item(result, /^\d+$/.test(key) ? Number(key) : key)
          : lookup.attribute(result, attribute);
    }
    if (at < field.length) throw valueError('Empty attribute in format string');
    return result;
  };

  const write = (text: string, depth: number): string => {
    if (depth < 0) throw valueError('Max string recursion exceeded');
    let result = '';
    for (const part of parts(text)) {
      spendStep();
      if (typeof part === 'string') {
        result += part;
        continue;
      }
      const spec = (fill: string) => write(fill, depth - 1);
      let item = value(part.field);
      if (part.conversion !== '') item = convert(item, part.conversion);
      const written =
        isMarkup && isString(item) && item instanceof Markup
          ? escapeHtml(item)
          : format(item, spec(part.spec));
      result += isMarkup && !(item instanceof Markup) ? escapeText(written) : written;
    }
    spendCharacters(result.length);
    return result;
  };
  spendScan(textOf(template).length);
  const text = write(textOf(template), 2);
  return isMarkup ? new Markup(text) : text;
}

function convert(value: Value, conversion: string): Value {
  if (conversion === 's') return str(value);
  if (conversion === 'r' || conversion === 'a') return repr(value);
  throw valueError(`Unknown conversion specifier '${conversion}'`);
}

interface Field {
  field: string;
  conversion: string;
  spec: string;
}

/** Texts and fields of a format string. */
function* parts(text: string): Generator<string | Field> {
  let at = 0;
  while (at < text.length) {
    const char = text.charAt(at);
    if (char !== '{' && char !== '}') {
      const next = text.slice(at).search(/[{}]/);
      const end = next < 0 ? text.length : at + next;
      yield text.slice(at, end);
      at = end;
    } else if (text.charAt(at + 1) === char) {
      yield char;
      at += 2;
    } else if (char === '}') throw valueError("Single '}' encountered in format string");
    else {
      const end = closing(text, at);
      yield fieldOf(text.slice(at + 1, end));
      at = end + 1;
    }
  }
}

function closing(text: string, start: number): number {
  let depth = 0;
  for (let i = start; i < text.length; i++) {
    if (text.charAt(i) === '{') depth++;
    else if (text.charAt(i) === '}' && --depth === 0) return i;
  }
  throw valueError(
    start === text.length - 1
      ? "Single '{' encountered in format string"
      : "expected '}' before end of string",
  );
}

function fieldOf(text: string): Field {
  // A key in brackets may contain any character.
  const [field] = /^(?:\[[^\]]*\]?|[^!:[])*/.exec(text) ?? [''];
  if (field.includes('{')) throw valueError("unexpected '{' in field name");
  const rest = text.slice(field.length);
  if (!rest.startsWith('!')) return { field, conversion: '', spec: rest.slice(1) };
  const conversion = rest.charAt(1);
  if (conversion === '' || (rest.length > 2 && rest.charAt(2) !== ':'))
    throw typeError("expected ':' after conversion specifier");
  return { field, conversion, spec: rest.slice(3) };
}
