import { typeError } from './errors.ts';
import { index } from './numbers.ts';
import { isString, textOf, typeName, type Keywords, type Value } from './values.ts';

/**
 * Parameters of a function in Python's notation, such as `sep=, maxsplit=`: a name ending in `=` is optional; those
 * before `/` are positional-only; those after `*` are keyword-only.
 */
export interface Signature {
  name: string;
  parameters: { name: string; optional: boolean; positional: boolean; byName: boolean }[];
}

export function signature(name: string, parameters = ''): Signature {
  const names = parameters
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  const slash = names.indexOf('/');
  const star = names.indexOf('*');
  return {
    name,
    parameters: names.flatMap((part, i) =>
      part === '/' || part === '*'
        ? []
        : [
            {
              name: part.replace(/=$/, ''),
              optional: part.endsWith('='),
              positional: star < 0 || i < star,
              byName: i > slash,
            },
          ],
    ),
  };
}

/** Binds arguments to parameters; undefined for omitted ones. Throws TypeError as Python does. */
export function bind(
  { name, parameters }: Signature,
  args: readonly Value[],
  keywords: Keywords,
): (Value | undefined)[] {
  const most = parameters.filter(({ positional }) => positional).length;
  if (args.length > most) throw typeError(`${name}() takes at most ${most} arguments (${args.length} given)`);
  const values: (Value | undefined)[] = parameters.map((_, i) => args[i]);
  for (const [key, value] of keywords) {
    const at = parameters.findIndex((parameter) => parameter.name === key && parameter.byName);
    if (at < 0) throw typeError(`${name}() got an unexpected keyword argument '${key}'`);
    if (values[at] !== undefined) throw typeError(`${name}() got multiple values for argument '${key}'`);
    values[at] = value;
  }
  for (const [i, parameter] of parameters.entries()) {
    if (values[i] === undefined && !parameter.optional)
      throw typeError(`${name}() missing required argument '${parameter.name}'`);
  }
  return values;
}

/** A str argument. Throws TypeError. */
export function textArgument(value: Value | undefined, what: string): string {
  if (value !== undefined && isString(value)) return textOf(value);
  throw typeError(`${what} must be str, not ${typeName(value ?? null)}`);
}

/** An int argument; `otherwise` if omitted. Throws TypeError. */
export const intArgument = (value: Value | undefined, otherwise: number): number =>
  value === undefined ? otherwise : index(value);
