import { limit, spendCharacters, spendScan, spendStep } from './budget.ts';
import { Dict } from './dict.ts';
import { exponential, fixed, general } from './decimals.ts';
import { TemplateError, typeError, valueError } from './errors.ts';
import { escapeHtml } from './markup.ts';
import { intText } from './numbers.ts';
import { floatOf, toInt } from './parseNumber.ts';
import { characters, join, lengthOf } from './text.ts';
import {
  Float,
  isNumber,
  isString,
  Markup,
  textOf,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from './values.ts';
import { repr, str } from './write.ts';

const DIRECTIVE = /%(?:\(((?:[^()]|\([^()]*\))*)\))?([#0\- +]*)(\*|\d+)?(?:\.(\*|\d*))?[hlL]?([\s\S]?)/gu;

/** Maximum field width. */
const MAX_WIDTH = 1e6;
/** Maximum number of digits. */
const MAX_PRECISION = 1000;

/** template % values. Throws TypeError, ValueError, KeyError; Markup escapes inserted values. */
export function formatPercent(template: string | Markup, values: Value): Value {
  spendScan(textOf(template).length);
  const isMarkup = template instanceof Markup;
  const args = values instanceof Tuple ? values.items : [values];
  const mapping = isMapping(values) ? values : null;
  let used = 0;
  const next = (): Value => {
    const value = args[used++];
    if (value === undefined) throw typeError('not enough arguments for format string');
    return value;
  };
  const star = (size: string | undefined): number | null =>
    size === undefined ? null : size === '*' ? Number(toStar(next())) : Number(size);
  const byName = (key: string): Value => {
    if (!mapping) throw typeError('format requires a mapping');
    const value = mapping instanceof Dict ? mapping.get(key) : undefined;
    if (value === undefined) throw new TemplateError('KeyError', repr(key));
    // A mapping counts as one used argument.
    used = 1;
    return value;
  };
  const directive = ([whole, key, flags = '', width, precision, type = '']: RegExpExecArray): string => {
    if (type === '%') {
      if (whole !== '%%') throw valueError('unsupported format character');
      return '%';
    }
    if (type === '') throw valueError('incomplete format');
    const named = key === undefined ? undefined : byName(key);
    const wide = star(width) ?? 0;
    const precise = star(precision);
    if (Math.abs(wide) > MAX_WIDTH) throw limit(`it makes a field wider than ${MAX_WIDTH}`);
    if ((precise ?? 0) > MAX_PRECISION && type !== 's')
      throw limit(`it asks for more than ${MAX_PRECISION} digits`);
    const form = { flags: wide < 0 ? `${flags}-` : flags, width: Math.abs(wide), precision: precise };
    return convert(named ?? next(), type, form, isMarkup);
  };
  const source = textOf(template);
  const directives = new RegExp(DIRECTIVE);
  let text = '';
  let at = 0;
  for (let match = directives.exec(source); match; match = directives.exec(source)) {
    spendStep();
    text += source.slice(at, match.index);
    at = directives.lastIndex;
    const written = directive(match);
    spendCharacters(written.length);
    text += written;
  }
  text += source.slice(at);
  if (used < args.length && !mapping) throw typeError('not all arguments converted during string formatting');
  spendCharacters(text.length);
  return isMarkup ? new Markup(text) : text;
}

const isMapping = (value: Value): boolean =>
  value instanceof Dict || Array.isArray(value) || value instanceof Undefined;

function toStar(value: Value): number | bigint {
  if (typeof value === 'number' || typeof value === 'bigint') return value;
  throw typeError('* wants int');
}

interface Form {
  flags: string;
  width: number;
  precision: number | null;
}

function convert(value: Value, type: string, form: Form, isMarkup: boolean): string {
  const { flags, precision } = form;
  const cut = (text: string) =>
    pad(precision === null ? text : join(characters(text).slice(0, precision) as string | string[]), '', {
      ...form,
      flags: flags.replaceAll('0', ''),
    });
  switch (type) {
    case 's':
      return cut(isMarkup ? escapeHtml(value) : str(value));
    case 'r':
      return cut(isMarkup ? escapeHtml(repr(value)) : repr(value));
    case 'a':
      return cut(repr(value).replace(/[^\0-\x7f]/gu, asciiEscape));
    case 'c':
      return pad(character(value), '', { ...form, flags: flags.replaceAll('0', '') });
    case 'd':
    case 'i':
    case 'u':
    case 'o':
    case 'x':
    case 'X':
      return integer(value, type, form);
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G':
      return float(value, type, form);
    default:
      throw valueError(`unsupported format character '${type}'`);
  }
}

function asciiEscape(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  return code < 0x100
    ? `\\x${hex}`
    : code < 0x10000
      ? `\\u${hex.padStart(4, '0')}`
      : `\\U${hex.padStart(8, '0')}`;
}

function character(value: Value): string {
  if (isString(value) && lengthOf(textOf(value)) === 1) return textOf(value);
  if (typeof value === 'number' && value >= 0 && value <= 0x10ffff) return String.fromCodePoint(value);
  throw typeError('%c requires int or char');
}

function integer(value: Value, type: string, form: Form): string {
  if (value instanceof Undefined) throw value.error();
  if (!isNumber(value) || (value instanceof Float && 'oxX'.includes(type)))
    throw typeError(`%${type} format: a real number is required, not ${typeName(value)}`);
  const number = BigInt(toInt(value));
  const size = number < 0n ? -number : number;
  const radix = type === 'o' ? 8 : type === 'x' || type === 'X' ? 16 : 10;
  let digits =
    radix === 10
      ? intText(size > BigInt(Number.MAX_SAFE_INTEGER) ? size : Number(size))
      : size.toString(radix);
  digits = digits.padStart(form.precision ?? 0, '0');
  if (type === 'X') digits = digits.toUpperCase();
  const prefix = form.flags.includes('#') && radix !== 10 ? `0${type}` : '';
  return pad(digits, sign(number < 0n, form) + prefix, form);
}

function float(value: Value, type: string, form: Form): string {
  if (isString(value)) throw typeError('must be real number, not str');
  const number = floatOf(value);
  const size = Math.abs(number);
  const precision = form.precision ?? 6;
  const kind = type.toLowerCase();
  let digits = !Number.isFinite(size)
    ? Number.isNaN(size)
      ? 'nan'
      : 'inf'
    : kind === 'f'
      ? fixed(size, precision)
      : kind === 'e'
        ? exponential(size, precision)
        : general(size, precision, form.flags.includes('#'));
  if (type !== kind) digits = digits.toUpperCase();
  return pad(digits, sign(number < 0 || Object.is(number, -0), form), form);
}

const sign = (negative: boolean, { flags }: Form): string =>
  negative ? '-' : flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';

function pad(text: string, lead: string, { flags, width }: Form): string {
  const room = Math.max(0, width - lead.length - lengthOf(text));
  if (flags.includes('-')) return lead + text + ' '.repeat(room);
  return flags.includes('0') ? lead + '0'.repeat(room) + text : ' '.repeat(room) + lead + text;
}
