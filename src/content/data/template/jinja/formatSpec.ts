import { limit, spendCharacters } from './budget.ts';
import { exponential, fixed, floatText, general, positional, significant, withExponent } from './decimals.ts';
import { typeError, valueError } from './errors.ts';
import { toFloat } from './numbers.ts';
import { characters, join, lengthOf } from './text.ts';
import { Float, isInt, isNumber, isString, textOf, typeName, type Value } from './values.ts';
import { str } from './write.ts';

interface Spec {
  fill: string;
  align: string;
  sign: string;
  zero: boolean;
  alternate: boolean;
  width: number;
  group: string;
  precision: number | null;
  type: string;
}

const SPEC = /^(?:([\s\S])?([<>=^]))?([+\- ])?(z)?(#)?(0)?(\d+)?([,_])?(?:\.(\d+))?([bcdeEfFgGnosxX%])?$/u;

/** Maximum field width. */
const MAX_WIDTH = 1e6;
/** Maximum number of digits. */
const MAX_PRECISION = 1000;

/** Python's format(value, spec) for texts and numbers. Throws ValueError, TypeError. */
export function format(value: Value, spec: string): string {
  if (spec === '') return str(value);
  if (!isString(value) && !isNumber(value))
    throw typeError(`unsupported format string passed to ${typeName(value)}.__format__`);
  const parsed = parse(spec);
  const text = isString(value) ? formatText(textOf(value), parsed) : formatNumber(value, parsed);
  spendCharacters(text.length);
  return text;
}

function parse(spec: string): Spec {
  const match = SPEC.exec(spec);
  if (!match) throw valueError(`Invalid format specifier '${spec}'`);
  const [, fill, align, sign, z, alternate, zero, width, group, precision, type] = match;
  if (z) throw valueError('Negative zero coercion is not supported');
  const [wide, precise] = [Number(width ?? 0), precision === undefined ? null : Number(precision)];
  if (wide > MAX_WIDTH) throw limit(`it makes a field wider than ${MAX_WIDTH}`);
  return {
    fill: fill ?? (zero ? '0' : ' '),
    align: align ?? (zero ? '=' : ''),
    sign: sign ?? '',
    zero: zero !== undefined,
    alternate: alternate !== undefined,
    width: wide,
    group: group ?? '',
    precision: precise,
    type: type ?? '',
  };
}

function formatText(
  text: string,
  { fill, align, zero, width, precision, type, sign, alternate, group }: Spec,
): string {
  if (type !== '' && type !== 's') throw valueError(`Unknown format code '${type}' for object of type 'str'`);
  if (sign !== '') throw valueError('Sign not allowed in string format specifier');
  if (alternate) throw valueError('Alternate form (#) not allowed in string format specifier');
  if (group !== '') throw valueError(`Cannot specify '${group}' with 's'.`);
  if (align === '=' && !zero) throw valueError("'=' alignment not allowed in string format specifier");
  const cut = precision === null ? text : join(characters(text).slice(0, precision) as string | string[]);
  return pad(cut, fill, align === '=' || align === '' ? '<' : align, width);
}

/** Aligns `text` in a field: `<`, `>` or `^`. */
function pad(text: string, fill: string, align: string, width: number): string {
  const room = Math.max(0, width - lengthOf(text));
  const left = align === '<' ? 0 : align === '>' ? room : room >> 1;
  return fill.repeat(left) + text + fill.repeat(room - left);
}

function formatNumber(value: number | bigint | boolean | Float, spec: Spec): string {
  const { type, group } = spec;
  if ((spec.precision ?? 0) > MAX_PRECISION) throw limit(`it asks for more than ${MAX_PRECISION} digits`);
  if (typeof value === 'boolean' && type === '') return formatInt(BigInt(value), { ...spec, type: 'd' });
  if (isInt(value) && 'bcdnoxX'.includes(type)) return formatInt(BigInt(value), spec);
  if (type === 's' || (value instanceof Float && 'bcdoxX'.includes(type) && type !== ''))
    throw valueError(`Unknown format code '${type}' for object of type '${typeName(value)}'`);
  if (group !== '' && type === 'n') throw valueError(`Cannot specify '${group}' with 'n'.`);
  const number = toFloat(value);
  const negative = number < 0 || Object.is(number, -0);
  return field(floatDigits(number, spec), negative, spec, '');
}

function formatInt(value: bigint, spec: Spec): string {
  const { type, precision, group, alternate, sign } = spec;
  if (precision !== null) throw valueError('Precision not allowed in integer format specifier');
  if (type === 'c') {
    if (sign !== '') throw valueError("Sign not allowed with integer format specifier 'c'");
    if (value < 0n || value > 0x10ffffn) throw valueError('%c arg not in range(0x110000)');
    const char = String.fromCodePoint(Number(value));
    return pad(char, spec.fill, spec.align === '' || spec.align === '=' ? '>' : spec.align, spec.width);
  }
  if (group === ',' && 'boxX'.includes(type) && type !== '')
    throw valueError(`Cannot specify ',' with '${type}'.`);
  const radix = type === 'b' ? 2 : type === 'o' ? 8 : type === 'x' || type === 'X' ? 16 : 10;
  let digits = (value < 0n ? -value : value).toString(radix);
  if (type === 'X') digits = digits.toUpperCase();
  return field(digits, value < 0n, spec, alternate && radix !== 10 ? `0${type}` : '');
}

/** The digits of |value| for a float presentation type. */
function floatDigits(value: number, { type, precision, alternate }: Spec): string {
  const upper = type === 'E' || type === 'F' || type === 'G';
  if (!Number.isFinite(value)) {
    const text = Number.isNaN(value) ? 'nan' : 'inf';
    return (upper ? text.toUpperCase() : text) + (type === '%' ? '%' : '');
  }
  const size = Math.abs(value);
  const digits = (() => {
    switch (type.toLowerCase()) {
      case 'f':
        return fixed(size, precision ?? 6) + (alternate && precision === 0 ? '.' : '');
      case '%':
        return `${fixed(size * 100, precision ?? 6)}%`;
      case 'e':
        return exponential(size, precision ?? 6);
      case 'g':
      case 'n':
        return general(size, precision ?? 6, alternate);
      default:
        return plain(size, precision);
    }
  })();
  return upper ? digits.toUpperCase() : digits;
}

/**
 * Without a type: repr's digits, or as `g`, with at least one digit after the point and scientific notation one digit
 * earlier.
 */
function plain(size: number, precision: number | null): string {
  if (precision === null) return floatText(size);
  const count = Math.max(1, precision);
  const { digits, exponent } = significant(size, count);
  const bare = digits.replace(/0+$/, '') || '0';
  if (exponent < -4 || exponent >= count - 1) return withExponent(bare, exponent);
  const text = positional(bare, exponent);
  return text.includes('.') ? text : `${text}.0`;
}

/** Sign, prefix and digits, grouped and padded. */
function field(digits: string, negative: boolean, spec: Spec, prefix: string): string {
  const { sign, group, fill, align, width } = spec;
  const lead = (negative ? '-' : sign === '+' || sign === ' ' ? sign : '') + prefix;
  const [, whole = '', rest = ''] = /^(\d*)([\s\S]*)$/.exec(digits) ?? [];
  const isHex = 'boxX'.includes(spec.type) && spec.type !== '';
  const size = isHex ? 4 : 3;
  const [integer, tail] = isHex ? [digits, ''] : [whole, rest];
  const zeros = align === '=' && fill === '0' ? width - lead.length - tail.length : 0;
  const grouped = group === '' ? integer : groups(integer, group, size, zeros);
  if (align !== '=') return pad(lead + grouped + tail, fill, align === '' ? '>' : align, width);
  const room = Math.max(0, width - lead.length - grouped.length - tail.length);
  return lead + fill.repeat(room) + grouped + tail;
}

/** Groups digits, with leading zeros until they fill `width`: no group is left incomplete. */
function groups(digits: string, mark: string, size: number, width: number): string {
  let padded = digits;
  const grouped = () => {
    const parts: string[] = [];
    for (let end = padded.length; end > 0; end -= size)
      parts.unshift(padded.slice(Math.max(0, end - size), end));
    return parts.join(mark);
  };
  while (grouped().length < width) padded = `0${padded}`;
  return grouped();
}
