import { nestedValue, spendItems, spendSteps } from '../budget.ts';
import { Dict } from '../dict.ts';
import { unsupported } from '../errors.ts';
import { lengthOf } from '../text.ts';
import { isString, Tuple, type Value } from '../values.ts';
import { repr } from '../write.ts';

/** Maximum width of a pprint line. */
const WIDTH = 80;

/** pprint.pformat of values that fit on one line: repr with dict keys sorted. */
export function prettyPrint(value: Value): string {
  const text = repr(inOrder(value));
  if (lengthOf(text) > WIDTH) throw unsupported(`the filter pprint on more than ${WIDTH} characters`);
  return text;
}

function inOrder(value: Value): Value {
  spendItems(1);
  spendSteps(4);
  if (Array.isArray(value)) return nestedValue(() => value.map(inOrder));
  if (value instanceof Tuple) return nestedValue(() => new Tuple(value.items.map(inOrder)));
  if (!(value instanceof Dict)) return value;
  const keys = [...value.keys()];
  if (!keys.every(isString)) throw unsupported('the filter pprint on keys that are no texts');
  const sorted = keys.sort((a, b) => (String(a) < String(b) ? -1 : 1));
  return nestedValue(() => Dict.of(sorted.map((key) => [key, inOrder(value.get(key) as Value)] as const)));
}
