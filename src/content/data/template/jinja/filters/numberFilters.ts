import { isKind, typeError, valueError } from '../errors.ts';
import { fixed } from '../decimals.ts';
import { truth } from '../iterate.ts';
import { index, negate, round, arithmetic, type PyNumber } from '../numbers.ts';
import { floatOf, toInt } from '../parseNumber.ts';
import { ordered } from '../compare.ts';
import { Float, isNumber, isString, typeName, Undefined, type Value } from '../values.ts';
import { argumentError } from './attributes.ts';
import { filter, type Applied } from './define.ts';

function absolute(value: Value): Value {
  if (!isNumber(value)) throw typeError(`bad operand type for abs(): '${typeName(value)}'`);
  if (value instanceof Float) return new Float(Math.abs(value.value));
  return ordered('<', value, 0) ? negate(value) : toInt(value);
}

/** int(value), converting texts via float if necessary; `otherwise` if it is not a number. */
function integer(value: Value, otherwise: Value, base: number): Value {
  try {
    return isString(value) ? toInt(value, base) : toInt(value);
  } catch (error) {
    if (!isKind(error, ['TypeError', 'ValueError'])) throw error;
  }
  try {
    return toInt(new Float(floatOf(value)));
  } catch (error) {
    if (!isKind(error, ['TypeError', 'ValueError', 'OverflowError'])) throw error;
    return otherwise;
  }
}

function float(value: Value, otherwise: Value): Value {
  try {
    return new Float(floatOf(value));
  } catch (error) {
    if (!isKind(error, ['TypeError', 'ValueError'])) throw error;
    return otherwise;
  }
}

function roundBy(value: Value, precision: Value, method: Value): Value {
  if (method !== 'common' && method !== 'ceil' && method !== 'floor')
    throw argumentError('method must be common, ceil or floor');
  if (value instanceof Undefined) throw typeError("type Undefined doesn't define __round__ method");
  if (method === 'common') return round(value, index(precision));
  if (!isNumber(value)) throw typeError(`can't multiply by non-int of type '${typeName(value)}'`);
  const scale = arithmetic('**', 10, index(precision)) as PyNumber;
  const scaled = arithmetic('*', value, scale) as PyNumber;
  const whole =
    scaled instanceof Float
      ? toInt(new Float(checked(method === 'ceil' ? Math.ceil(scaled.value) : Math.floor(scaled.value))))
      : scaled;
  return arithmetic('/', whole, scale);
}

function checked(value: number): number {
  if (!Number.isFinite(value)) throw valueError('cannot convert float to integer');
  return value;
}

function fileSize(value: Value, binary: boolean): string {
  const bytes = floatOf(value);
  const base = binary ? 1024 : 1000;
  if (bytes === 1) return '1 Byte';
  if (bytes < base) return `${toInt(new Float(bytes))} Bytes`;
  const prefixes = binary
    ? ['KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB', 'ZiB', 'YiB']
    : ['kB', 'MB', 'GB', 'TB', 'PB', 'EB', 'ZB', 'YB'];
  let unit = base;
  for (const prefix of prefixes) {
    unit *= base;
    if (bytes < unit || prefix === prefixes.at(-1)) return `${fixed((base * bytes) / unit, 1)} ${prefix}`;
  }
  return '';
}

export const numberFilters: [string, Applied][] = [
  filter('abs', '', absolute),
  filter('int', 'default=, base=', (value, otherwise = 0, base = 10) =>
    integer(value, otherwise, index(base)),
  ),
  filter('float', 'default=', (value, otherwise = new Float(0)) => float(value, otherwise)),
  filter('round', 'precision=, method=', (value, precision = 0, method = 'common') =>
    roundBy(value, precision, method),
  ),
  filter('filesizeformat', 'binary=', (value, binary = false) => fileSize(value, truth(binary))),
];
