import { limit, spendScan, spendSteps } from './budget.ts';
import { TemplateError, typeError, valueError } from './errors.ts';
import { MAX_DIGITS, toFloat, type Int } from './numbers.ts';
import { strip } from './split.ts';
import { Float, int, isString, textOf, typeName, Undefined, type Value } from './values.ts';

/**
 * int(value): numbers are truncated towards zero, texts are read in `base`. Throws ValueError, TypeError,
 * OverflowError.
 */
export function toInt(value: Value, base = 10): Int {
  if (value instanceof Float) {
    if (Number.isNaN(value.value)) throw valueError('cannot convert float NaN to integer');
    if (!Number.isFinite(value.value))
      throw new TemplateError('OverflowError', 'cannot convert float infinity to integer');
    return int(BigInt(Math.trunc(value.value)));
  }
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'number' || typeof value === 'bigint') return value;
  if (isString(value)) return intOf(textOf(value), base);
  if (value instanceof Undefined) throw value.error();
  throw typeError(`int() argument must be a string or a real number, not '${typeName(value)}'`);
}

const PREFIXES: Readonly<Record<string, number>> = { '0b': 2, '0o': 8, '0x': 16 };

function intOf(text: string, base: number): Int {
  const invalid = () => valueError(`invalid literal for int() with base ${base}`);
  if (base !== 0 && (base < 2 || base > 36)) throw valueError('int() base must be >= 2 and <= 36, or 0');
  spendScan(text.length);
  const bare = strip(text, null);
  if (bare.length > 2 * MAX_DIGITS) throw limit(`it reads a number of more than ${2 * MAX_DIGITS} digits`);
  spendSteps(bare.length >> 2);
  // Single underscores are allowed between digits, and after a prefix.
  const match = /^([+-]?)(?:(0[box])_?)?([\da-z]+(?:_[\da-z]+)*)$/i.exec(asciiDigits(bare));
  if (!match) throw invalid();
  const [, sign, prefix = '', rest = ''] = match;
  const prefixed = PREFIXES[prefix.toLowerCase()];
  const isPrefixed = prefixed !== undefined && (base === 0 || base === prefixed);
  const radix = isPrefixed ? prefixed : base === 0 ? 10 : base;
  const digits = (isPrefixed ? rest : prefix + rest).replaceAll('_', '').toLowerCase();
  if (base === 0 && !isPrefixed && /^0+[1-9]/.test(digits)) throw invalid();
  if (digits.length > MAX_DIGITS && (radix & (radix - 1)) !== 0)
    throw valueError(`Exceeds the limit (${MAX_DIGITS} digits)`);
  let result = 0n;
  if (radix === 10 && /^\d+$/.test(digits)) result = BigInt(digits);
  else {
    spendSteps(digits.length);
    for (const digit of digits) {
      const value = Number.parseInt(digit, 36);
      if (!(value < radix)) throw invalid();
      result = result * BigInt(radix) + BigInt(value);
    }
  }
  return int(sign === '-' ? -result : result);
}

/** Converts decimal digits of other scripts to 0–9. */
function asciiDigits(text: string): string {
  return text.replace(/[^\0-\x7f]/gu, (digit) => {
    if (!/\p{Nd}/u.test(digit)) return digit;
    const code = digit.codePointAt(0) ?? 0;
    // They come in runs of ten, starting at 0.
    let zero = code;
    while (code - zero < 9 && /\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero--;
    return String((code - zero) % 10);
  });
}

/** float(value). Throws ValueError, TypeError. */
export function floatOf(value: Value): number {
  if (
    value instanceof Float ||
    typeof value === 'number' ||
    typeof value === 'bigint' ||
    typeof value === 'boolean'
  )
    return toFloat(value);
  if (value instanceof Undefined) throw value.error();
  if (!isString(value))
    throw typeError(`float() argument must be a string or a real number, not '${typeName(value)}'`);
  spendScan(textOf(value).length);
  const bare = strip(textOf(value), null);
  if (bare.length > 2 * MAX_DIGITS) throw limit(`it reads a number of more than ${2 * MAX_DIGITS} digits`);
  const text = asciiDigits(bare);
  const special = /^([+-]?)(inf(?:inity)?|nan)$/i.exec(text);
  if (special) {
    const size = special[2]?.toLowerCase() === 'nan' ? Number.NaN : Number.POSITIVE_INFINITY;
    return special[1] === '-' ? -size : size;
  }
  if (!/^[+-]?(\d+(_\d+)*\.?(\d+(_\d+)*)?|\.\d+(_\d+)*)(e[+-]?\d+(_\d+)*)?$/i.test(text))
    throw valueError(`could not convert string to float: '${textOf(value)}'`);
  return Number(text.replaceAll('_', ''));
}
