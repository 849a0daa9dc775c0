import { Dict } from '../dict.ts';
import { unsupported } from '../errors.ts';
import { lengthOf } from '../text.ts';
import { isString, Tuple, type Value } from '../values.ts';
import { repr } from '../write.ts';

/** Widest text pprint leaves on one line. */
const WIDTH = 80;

/** pprint.pformat of what fits on one line: repr with the keys of dicts in order. */
export function prettyPrint(value: Value): string {
  const text = repr(inOrder(value));
  if (lengthOf(text) > WIDTH) throw unsupported(`the filter pprint on more than ${WIDTH} characters`);
  return text;
}

function inOrder(value: Value): Value {
  if (Array.isArray(value)) return value.map(inOrder);
  if (value instanceof Tuple) return new Tuple(value.items.map(inOrder));
  if (!(value instanceof Dict)) return value;
  const keys = [...value.keys()];
  if (!keys.every(isString)) throw unsupported('the filter pprint on keys that are no texts');
  const sorted = keys.sort((a, b) => (String(a) < String(b) ? -1 : 1));
  return Dict.of(sorted.map((key) => [key, inOrder(value.get(key) as Value)] as const));
}
