import { GraftError } from '../../base/lib/errors.ts';

/** A JSON Schema that was checked: a boolean, or an object of the keywords below. */
export type JsonSchema = boolean | Readonly<Record<string, unknown>>;

type Check = (value: unknown, of: Record<string, unknown>) => boolean;

/** Keywords that say nothing of a value. */
const ANNOTATIONS = new Set([
  '$schema',
  '$id',
  '$comment',
  'title',
  'description',
  'default',
  'examples',
  'deprecated',
]);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const types: Record<string, (value: unknown) => boolean> = {
  object: isObject,
  array: Array.isArray,
  string: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  integer: Number.isInteger,
  boolean: (value) => typeof value === 'boolean',
  null: (value) => value === null,
};

const asList = (value: unknown): unknown[] => (Array.isArray(value) ? value : [value]);
const onNumber =
  (holds: (value: number, limit: number) => boolean, key: string): Check =>
  (value, of) =>
    typeof value !== 'number' || holds(value, of[key] as number);
const onLength =
  (
    length: (value: unknown) => number | null,
    holds: (length: number, limit: number) => boolean,
    key: string,
  ): Check =>
  (value, of) => {
    const found = length(value);
    return found === null || holds(found, of[key] as number);
  };
const characters = (value: unknown) => (typeof value === 'string' ? Array.from(value).length : null);
const items = (value: unknown) => (Array.isArray(value) ? value.length : null);
const members = (value: unknown) => (isObject(value) ? Object.keys(value).length : null);
const most = (found: number, limit: number) => found <= limit;
const least = (found: number, limit: number) => found >= limit;

/** What each keyword demands of a value, as draft 2020-12 has it. */
const checks: Record<string, Check> = {
  type: (value, { type }) => asList(type).some((name) => types[name as string]!(value)),
  enum: (value, of) => (of.enum as unknown[]).some((one) => isSame(one, value)),
  const: (value, of) => isSame(of.const, value),
  minimum: onNumber(least, 'minimum'),
  maximum: onNumber(most, 'maximum'),
  exclusiveMinimum: onNumber((value, limit) => value > limit, 'exclusiveMinimum'),
  exclusiveMaximum: onNumber((value, limit) => value < limit, 'exclusiveMaximum'),
  multipleOf: onNumber((value, step) => Number.isInteger(value / step), 'multipleOf'),
  minLength: onLength(characters, least, 'minLength'),
  maxLength: onLength(characters, most, 'maxLength'),
  pattern: (value, { pattern }) =>
    typeof value !== 'string' || new RegExp(pattern as string, 'u').test(value),
  minItems: onLength(items, least, 'minItems'),
  maxItems: onLength(items, most, 'maxItems'),
  uniqueItems: (value, { uniqueItems }) =>
    uniqueItems !== true ||
    !Array.isArray(value) ||
    value.every((one, i) => !value.slice(0, i).some((other) => isSame(one, other))),
  items: (value, of) =>
    !Array.isArray(value) || value.every((one) => fitsSchema(one, of.items as JsonSchema)),
  minProperties: onLength(members, least, 'minProperties'),
  maxProperties: onLength(members, most, 'maxProperties'),
  required: (value, of) =>
    !isObject(value) || (of.required as string[]).every((name) => Object.hasOwn(value, name)),
  properties: (value, of) =>
    !isObject(value) ||
    Object.entries(of.properties as Record<string, JsonSchema>).every(
      ([name, schema]) => !Object.hasOwn(value, name) || fitsSchema(value[name], schema),
    ),
  additionalProperties: (value, { properties = {}, additionalProperties }) =>
    !isObject(value) ||
    Object.entries(value).every(
      ([name, one]) =>
        Object.hasOwn(properties as object, name) || fitsSchema(one, additionalProperties as JsonSchema),
    ),
  allOf: (value, of) => (of.allOf as JsonSchema[]).every((schema) => fitsSchema(value, schema)),
  anyOf: (value, of) => (of.anyOf as JsonSchema[]).some((schema) => fitsSchema(value, schema)),
  oneOf: (value, of) => (of.oneOf as JsonSchema[]).filter((schema) => fitsSchema(value, schema)).length === 1,
  not: (value, of) => !fitsSchema(value, of.not as JsonSchema),
};

/** What the value of a keyword must be. */
const isCount = (value: unknown) => Number.isInteger(value) && (value as number) >= 0;
const isNumber = (value: unknown) => typeof value === 'number';
const counts = ['minLength', 'maxLength', 'minItems', 'maxItems', 'minProperties', 'maxProperties'];
const limits = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'];
const shapes: Record<string, (value: unknown) => boolean> = {
  ...Object.fromEntries(counts.map((key) => [key, isCount])),
  ...Object.fromEntries(limits.map((key) => [key, isNumber])),
  multipleOf: (value) => typeof value === 'number' && value > 0,
  type: (value) =>
    asList(value).length > 0 &&
    asList(value).every((name) => typeof name === 'string' && Object.hasOwn(types, name)),
  enum: Array.isArray,
  const: () => true,
  pattern: (value) => typeof value === 'string' && isPattern(value),
  uniqueItems: (value) => typeof value === 'boolean',
  required: (value) => Array.isArray(value) && value.every((name) => typeof name === 'string'),
  properties: isObject,
};
/** Keywords whose values are schemas themselves. */
const NESTED = new Set(['items', 'additionalProperties', 'not']);
const LISTS = new Set(['allOf', 'anyOf', 'oneOf']);

/** Keywords that are understood, for messages and documentation. */
export const schemaKeywords: readonly string[] = Object.keys(checks);

/**
 * Checks that a schema uses nothing that is not understood: others are refused by name, since ignoring one would pass
 * what it forbids. Throws `data.schema_keyword`, `data.schema_value`.
 */
export function readSchema(schema: unknown, path = '#'): JsonSchema {
  if (typeof schema === 'boolean') return schema;
  if (!isObject(schema)) throw new GraftError('data.schema_value', { path, keyword: '' });
  for (const [keyword, value] of Object.entries(schema)) {
    if (ANNOTATIONS.has(keyword)) continue;
    if (!Object.hasOwn(checks, keyword))
      throw new GraftError('data.schema_keyword', { path, keyword, known: schemaKeywords.join(', ') });
    const at = `${path}/${keyword}`;
    if (NESTED.has(keyword)) readSchema(value, at);
    else if (LISTS.has(keyword) && Array.isArray(value) && value.length > 0)
      value.forEach((one, i) => readSchema(one, `${at}/${i}`));
    else if (!shapes[keyword]?.(value)) throw new GraftError('data.schema_value', { path, keyword });
  }
  for (const [name, one] of Object.entries((schema.properties as object) ?? {}))
    readSchema(one, `${path}/properties/${name}`);
  return schema;
}

/** Whether a value fits a schema of `readSchema`. */
export function fitsSchema(value: unknown, schema: JsonSchema): boolean {
  if (typeof schema === 'boolean') return schema;
  return Object.keys(schema).every((keyword) => ANNOTATIONS.has(keyword) || checks[keyword]!(value, schema));
}

function isPattern(text: string): boolean {
  try {
    new RegExp(text, 'u');
    return true;
  } catch {
    return false;
  }
}

/** Whether two JSON values are equal; the order of members does not count. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((one, i) => isSame(one, b[i]));
  if (!isObject(a) || !isObject(b)) return false;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && isSame(a[name], b[name]))
  );
}
