import { TemplateError } from '../errors.ts';
import { lower } from '../letters.ts';
import { index } from '../numbers.ts';
import { getItem } from '../subscript.ts';
import { isString, textOf, Undefined, type Value } from '../values.ts';

/** The path of an `attribute=` argument: `a.b.0`, or a number. */
function pathOf(attribute: Value): Value[] {
  if (attribute === null) return [];
  if (!isString(attribute)) return [attribute];
  return textOf(attribute)
    .split('.')
    .map((part) => (/^\p{Nd}+$/u.test(part) ? Number(part) : part));
}

/** Returns a getter of an item's attribute, named as in a filter's `attribute=`. */
export function attributeGetter(
  attribute: Value,
  { ignoreCase = false, otherwise = null }: { ignoreCase?: boolean; otherwise?: Value } = {},
): (item: Value) => Value {
  const path = pathOf(attribute);
  return (item) => {
    let value = item;
    for (const part of path) {
      value = getItem(value, part);
      if (otherwise !== null && value instanceof Undefined) value = otherwise;
    }
    return ignoreCase ? lowered(value) : value;
  };
}

/** Several attributes in one argument, separated by commas: a list of getters. */
export function attributesGetter(attribute: Value, ignoreCase: boolean): (item: Value) => Value[] {
  const parts = isString(attribute) ? textOf(attribute).split(',') : [attribute];
  const getters = parts.map((part) => attributeGetter(part, { ignoreCase }));
  return (item) => getters.map((get) => get(item));
}

const lowered = (value: Value): Value => (isString(value) ? lower(textOf(value)) : value);

export const argumentError = (message: string) => new TemplateError('FilterArgumentError', message);

export const count = (value: Value | undefined, otherwise: number): number =>
  value === undefined ? otherwise : index(value);
