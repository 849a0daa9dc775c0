import { limit, spendCharacters, spendSteps } from './budget.ts';
import { divideRounded, fixed, fraction } from './decimals.ts';
import { TemplateError, typeError, valueError } from './errors.ts';
import { Float, int, typeName, Undefined, type Value } from './values.ts';

export type Int = number | bigint;
export type PyNumber = Int | boolean | Float;

/** Maximum bits of an int that a template may make. */
const MAX_BITS = 1 << 14;
/** Python itself rejects longer ints when parsing or printing (sys.get_int_max_str_digits). */
export const MAX_DIGITS = 4300;

const big = (value: Int | boolean): bigint => BigInt(value);
export const toFloat = (value: PyNumber): number => {
  if (value instanceof Float) return value.value;
  const result = Number(value);
  if (!Number.isFinite(result)) throw new TemplateError('OverflowError', 'int too large to convert to float');
  return result;
};

/** Arithmetic operators; ints stay ints except for `/` and negative powers. */
export function arithmetic(operator: string, a: PyNumber, b: PyNumber): Value {
  if (a instanceof Float || b instanceof Float) return floatArithmetic(operator, toFloat(a), toFloat(b));
  if (typeof a !== 'bigint' && typeof b !== 'bigint') {
    const [x, y] = [Number(a), Number(b)];
    const result =
      operator === '+' ? x + y : operator === '-' ? x - y : operator === '*' ? x * y : Number.NaN;
    // Number.isSafeInteger is false for sums that may have been rounded.
    if (Number.isSafeInteger(result)) return result + 0;
  }
  return intArithmetic(operator, big(a), big(b));
}

function intArithmetic(operator: string, a: bigint, b: bigint): Value {
  spendSteps(1 + (((bits(a) >> 6) * (bits(b) >> 6)) >> 8));
  switch (operator) {
    case '+':
      return int(a + b);
    case '-':
      return int(a - b);
    case '*':
      checkBits(bits(a) + bits(b));
      return int(a * b);
    case '/':
      return new Float(divide(a, b));
    case '//':
      return int(floorDivide(a, b));
    case '%':
      return int(a - floorDivide(a, b) * b);
    default:
      return power(a, b);
  }
}

const bits = (value: bigint): number => value.toString(16).length * 4;

function checkBits(count: number): void {
  if (count > MAX_BITS) throw limit(`it makes a number of more than ${MAX_BITS} bits`);
}

function floorDivide(a: bigint, b: bigint): bigint {
  if (b === 0n) throw new TemplateError('ZeroDivisionError', 'integer division or modulo by zero');
  const quotient = a / b;
  return a % b !== 0n && a < 0n !== b < 0n ? quotient - 1n : quotient;
}

/** a / b, rounded once. */
function divide(a: bigint, b: bigint): number {
  if (b === 0n) throw new TemplateError('ZeroDivisionError', 'division by zero');
  const exact = (value: bigint) => value >= -(1n << 53n) && value <= 1n << 53n;
  if (exact(a) && exact(b)) return Number(a) / Number(b);
  const [x, y] = [a < 0n ? -a : a, b < 0n ? -b : b];
  // 64 bits of the quotient and a sticky bit: enough to round.
  const shift = Math.max(0, 66 - (bits(x) - bits(y)));
  const scaled = x << BigInt(shift);
  const quotient = (scaled / y) | (scaled % y === 0n ? 0n : 1n);
  const result = scale(quotient, shift);
  if (!Number.isFinite(result))
    throw new TemplateError('OverflowError', 'integer division result too large for a float');
  return a < 0n !== b < 0n ? -result : result;
}

/** quotient / 2^shift as a float, rounded once. */
function scale(quotient: bigint, shift: number): number {
  const [whole] = [Number(quotient)];
  return shift < 1000 ? whole / 2 ** shift : whole / 2 ** 500 / 2 ** (shift - 500);
}

function power(a: bigint, b: bigint): Value {
  if (b < 0n) {
    if (a === 0n) throw new TemplateError('ZeroDivisionError', '0.0 cannot be raised to a negative power');
    return new Float(floatPower(Number(a), Number(b)));
  }
  if (a !== 0n && a !== 1n && a !== -1n) {
    if (b > BigInt(MAX_BITS)) throw limit(`it makes a number of more than ${MAX_BITS} bits`);
    checkBits(bits(a) * Number(b));
  }
  return int(a ** b);
}

function floatPower(a: number, b: number): number {
  if (a === 0 && b < 0)
    throw new TemplateError('ZeroDivisionError', '0.0 cannot be raised to a negative power');
  // Python would continue with complex numbers.
  if (a < 0 && Number.isFinite(a) && !Number.isInteger(b))
    throw new TemplateError('unsupported', 'a root of a negative number');
  if (a === 1 || b === 0) return 1;
  if (a === -1 && !Number.isFinite(b) && !Number.isNaN(b)) return 1;
  const result = exactPower(a, b);
  if (!Number.isFinite(result) && Number.isFinite(a) && Number.isFinite(b))
    throw new TemplateError('OverflowError', 'Numerical result out of range');
  return result;
}

/**
 * a ** b like C's pow. JavaScript's is too often off in the last place, so integral powers are computed exactly and
 * rounded once; other powers except square roots are rejected.
 */
function exactPower(a: number, b: number): number {
  if (b === 0.5) return Math.sqrt(a);
  if (a === 0 || !Number.isFinite(a) || !Number.isFinite(b)) return a ** b;
  if (!Number.isInteger(b)) throw new TemplateError('unsupported', 'a power with a fraction');
  // Far outside a float's range, or too slow to compute exactly.
  if (Math.abs(Math.log2(Math.abs(a)) * b) > 1100) return a ** b;
  if (Math.abs(b) > MAX_EXPONENT)
    throw new TemplateError('unsupported', `a float to a power above ${MAX_EXPONENT}`);
  spendSteps(Math.abs(b));
  const [numerator, denominator] = fraction(a);
  const [x, y] = [numerator ** BigInt(Math.abs(b)), denominator ** BigInt(Math.abs(b))];
  const size = b < 0 ? divide(y, x) : divide(x, y);
  return a < 0 && b % 2 !== 0 ? -size : size;
}

const MAX_EXPONENT = 1100;

function floatArithmetic(operator: string, a: number, b: number): Float {
  switch (operator) {
    case '+':
      return new Float(a + b);
    case '-':
      return new Float(a - b);
    case '*':
      return new Float(a * b);
    case '/':
      if (b === 0) throw new TemplateError('ZeroDivisionError', 'float division by zero');
      return new Float(a / b);
    case '//':
      return new Float(floorAndRest(a, b)[0]);
    case '%':
      return new Float(floorAndRest(a, b)[1]);
    default:
      return new Float(floatPower(a, b));
  }
}

/** Python's float divmod: the remainder has the divisor's sign. */
function floorAndRest(a: number, b: number): [number, number] {
  if (b === 0) throw new TemplateError('ZeroDivisionError', 'float floor division by zero');
  let rest = a % b;
  let quotient = (a - rest) / b;
  if (rest !== 0) {
    if (b < 0 !== rest < 0) {
      rest += b;
      quotient -= 1;
    }
  } else rest = b < 0 ? -0 : 0;
  if (quotient === 0) return [a / b < 0 || Object.is(a / b, -0) ? -0 : 0, rest];
  const floor = Math.floor(quotient);
  return [quotient - floor > 0.5 ? floor + 1 : floor, rest];
}

export function negate(value: Value): Value {
  if (value instanceof Float) return new Float(-value.value);
  if (typeof value === 'number') return value === 0 ? 0 : -value;
  if (typeof value === 'boolean') return value ? -1 : 0;
  if (typeof value === 'bigint') return int(-value);
  if (value instanceof Undefined) throw value.error();
  throw typeError(`bad operand type for unary -: '${typeName(value)}'`);
}

/** An int as text. */
export function intText(value: Int): string {
  if (typeof value === 'number') return String(value);
  const text = String(value);
  spendCharacters(text.length);
  if (text.length > MAX_DIGITS + (value < 0n ? 1 : 0))
    throw valueError(`Exceeds the limit (${MAX_DIGITS} digits) for integer string conversion`);
  return text;
}

/** round(value, places): halves to even. */
export function round(value: Value, places: number): Value {
  if (value instanceof Float) {
    if (!Number.isFinite(value.value) || places > 400) return value;
    const digits = places < -400 ? '0' : fixed(value.value, places);
    const result = Number(digits);
    if (!Number.isFinite(result))
      throw new TemplateError('OverflowError', 'rounded value too large to represent');
    return new Float(value.value < 0 || Object.is(value.value, -0) ? -result : result);
  }
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') {
    if (places >= 0) return int(BigInt(value));
    if (places < -MAX_DIGITS) return 0;
    const unit = 10n ** BigInt(-places);
    const whole = BigInt(value);
    const rounded = divideRounded(whole < 0n ? -whole : whole, unit) * unit;
    return int(whole < 0n ? -rounded : rounded);
  }
  throw typeError(`type ${typeName(value)} doesn't define __round__ method`);
}

/** An int argument as a JavaScript number within ±2^53. */
export function index(value: Value): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'bigint') return value > 0n ? Number.MAX_SAFE_INTEGER : -Number.MAX_SAFE_INTEGER;
  throw typeError(`'${typeName(value)}' object cannot be interpreted as an integer`);
}
