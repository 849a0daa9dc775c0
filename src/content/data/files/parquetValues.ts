import type { SchemaElement, SchemaTree } from 'hyparquet';
import { floatOf, parseJson } from './exactJson.ts';
import { bytesMark } from './row.ts';

/** A column's value as JSON; undefined for null, which in a table means the row lacks the field. */
export type Converter = (value: unknown) => unknown;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Value parsers for hyparquet. They never throw, whatever a column holds. */
export const parsers = {
  stringFromBytes: (bytes: Uint8Array | undefined) => bytes && (textOf(bytes) ?? bytes),
  jsonFromBytes: (bytes: Uint8Array | undefined) => {
    const text = bytes && textOf(bytes);
    if (typeof text !== 'string') return bytes;
    try {
      return parseJson(text);
    } catch {
      return text;
    }
  },
  timestampFromMilliseconds: (millis: bigint) => isoTime(millis, 3),
  timestampFromMicroseconds: (micros: bigint) => isoTime(micros, 6),
  timestampFromNanoseconds: (nanos: bigint) => isoTime(nanos, 9),
  dateFromDays: (days: number) => {
    const date = new Date(days * 86_400_000);
    return Number.isNaN(date.getTime()) ? days : date.toISOString().slice(0, 10);
  },
  geometryFromBytes: (bytes: Uint8Array | undefined) => bytes,
  geographyFromBytes: (bytes: Uint8Array | undefined) => bytes,
};

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** A timestamp in units of 10^−digits seconds since 1970; digits after the milliseconds only if they are not zero. */
function isoTime(count: bigint, digits: 3 | 6 | 9): unknown {
  if (typeof count !== 'bigint') return undefined;
  const unit = 10n ** BigInt(digits - 3);
  const rest = ((count % unit) + unit) % unit;
  const date = new Date(Number((count - rest) / unit));
  if (Number.isNaN(date.getTime())) return String(count);
  const more = rest === 0n ? '' : String(rest).padStart(digits - 3, '0');
  return date.toISOString().replace('Z', `${more}Z`);
}

/**
 * Removes column types that hyparquet cannot read, or not exactly, so it returns the stored values: decimals (as
 * unscaled integers), BSON, intervals. Returns the scales of the decimals.
 */
export function storedAsIs(schema: SchemaElement[]): Map<SchemaElement, number> {
  const scales = new Map<SchemaElement, number>();
  for (const element of schema) {
    const type = element.converted_type ?? element.logical_type?.type;
    // hyparquet would read decimals of variable length as text.
    if (type === 'DECIMAL' && element.type !== 'BYTE_ARRAY') scales.set(element, element.scale ?? 0);
    else if (type !== 'BSON' && type !== 'INTERVAL') continue;
    delete element.converted_type;
    delete element.logical_type;
  }
  return scales;
}

/** Converters from column values to JSON. */
export function converterOf(node: SchemaTree, scales: ReadonlyMap<SchemaElement, number>): Converter {
  const { element, children } = node;
  const convert = converterOfOne(node, scales);
  // A repeated field without a list around it is itself a list.
  const isBareList = element.repetition_type === 'REPEATED' && children.length === 0;
  return (value) => {
    if (value === null || value === undefined) return undefined;
    return isBareList && Array.isArray(value) ? value.map((item) => convert(item) ?? null) : convert(value);
  };
}

function converterOfOne(
  { element, children }: SchemaTree,
  scales: ReadonlyMap<SchemaElement, number>,
): Converter {
  const [child] = children;
  if (!child) return leafConverter(element, scales.get(element));
  if (element.converted_type === 'LIST' && children.length === 1) {
    const item = converterOf(child.children.length === 1 ? child.children[0]! : child, scales);
    return (value) => (Array.isArray(value) ? value.map((one) => item(one) ?? null) : value);
  }
  if (element.converted_type === 'MAP' && child.children.length === 2) {
    const item = converterOf(child.children[1]!, scales);
    return (value) => fieldsOf(value, () => item);
  }
  const fields = new Map(children.map((field) => [field.element.name, converterOf(field, scales)]));
  const struct: Converter = (value) => fieldsOf(value, (name) => fields.get(name) ?? ((field) => field));
  return (value) =>
    Array.isArray(value) ? value.map((one) => (one === null ? null : struct(one))) : struct(value);
}

const plain = { writable: true, enumerable: true, configurable: true };

/** An object's fields that are not null. */
function fieldsOf(value: unknown, converterFor: (name: string) => Converter): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const fields: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(value)) {
    const converted = converterFor(name)(field);
    if (converted === undefined || converted === null) continue;
    // A field of that name is one like any other.
    if (name === '__proto__') Object.defineProperty(fields, name, { ...plain, value: converted });
    else fields[name] = converted;
  }
  return fields;
}

function leafConverter(
  { type, precision, converted_type, logical_type }: SchemaElement,
  scale?: number,
): Converter {
  if (scale !== undefined) return (value) => decimalOf(value, scale, precision ?? Infinity);
  const isFloat = type === 'FLOAT' || type === 'DOUBLE' || logical_type?.type === 'FLOAT16';
  const isDecimal = converted_type === 'DECIMAL';
  return (value) => {
    if (typeof value === 'bigint') return integerOf(value);
    if (typeof value === 'number') return isFloat || isDecimal ? floatOf(value) : value;
    return ArrayBuffer.isView(value) ? bytesMark(value.byteLength) : value;
  };
}

function integerOf(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** A decimal as a number if that is exact, otherwise as text. */
function decimalOf(value: unknown, scale: number, precision: number): unknown {
  let units: bigint;
  if (value instanceof Uint8Array) {
    units = 0n;
    for (const byte of value) units = (units << 8n) | BigInt(byte);
    units = BigInt.asIntN(value.length * 8, units);
  } else units = BigInt(value as number | bigint);
  const digits = String(units < 0n ? -units : units).padStart(scale + 1, '0');
  const whole = scale > 0 ? digits.slice(0, -scale) : digits;
  const text = `${units < 0n ? '-' : ''}${whole}${scale > 0 ? `.${digits.slice(-scale)}` : ''}`;
  // A double is guaranteed 15 decimal digits.
  if (precision > 15) return scale > 0 ? text : integerOf(units);
  return scale > 0 ? floatOf(Number(text)) : Number(text);
}
