import { GraftError } from '../../../base/lib/errors.ts';
import { ownField } from './conversation.ts';
import { messageFieldsWith } from './rowFields.ts';
import { kindName } from '../files/row.ts';

/** A weight in the loss: false is 0 (context), true is 1, and a number from 0 is a factor. Throws `data.bad_field`. */
export function weightOf(value: unknown, field: string): number {
  if (typeof value === 'boolean') return value ? 1 : 0;
  const text = typeof value === 'string' ? value.trim().toLowerCase() : '';
  if (text === 'true' || text === 'false') return text === 'true' ? 1 : 0;
  const isNumber =
    typeof value === 'number' || value instanceof Number || (text !== '' && !isNaN(Number(text)));
  const weight = isNumber ? Number(value) : NaN;
  // The loss is computed in f32.
  if (Number.isFinite(Math.fround(weight)) && weight >= 0) return weight;
  const found = isNumber ? String(value) : kindName(value);
  throw new GraftError('data.bad_field', { field, found, expected: 'true, false or a number from 0 up' });
}

/** The product of all weights of a message; undefined if it has none. Throws `data.bad_field`. */
export function messageWeight(message: object, path: string): number | undefined {
  let weight: number | undefined;
  for (const name of messageFieldsWith(message, 'weight')) {
    weight = (weight ?? 1) * weightOf(ownField(message, name), `${path}.${name}`);
  }
  // `"ignore": false` means the same as no such field.
  for (const name of messageFieldsWith(message, 'ignored')) {
    if (weightOf(ownField(message, name), `${path}.${name}`) > 0) weight = 0;
  }
  return weight;
}
