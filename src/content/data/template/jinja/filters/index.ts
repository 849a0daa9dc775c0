import { spendSteps } from '../budget.ts';
import { TemplateError } from '../errors.ts';
import { each, truth } from '../iterate.ts';
import { generator, isString, textOf, Undefined, type Keywords, type Value } from '../values.ts';
import { repr } from '../write.ts';
import { isFilterName, runTest } from './tests.ts';
import { argumentError, attributeGetter } from './attributes.ts';
import { filter, type Applied } from './define.ts';
import { numberFilters } from './numberFilters.ts';
import { sequenceFilters } from './sequenceFilters.ts';
import { formatFilter, textFilters } from './textFilters.ts';

const fallback = filter('default', 'default_value=, boolean=', (value, otherwise = '', boolean = false) =>
  value instanceof Undefined || (truth(boolean) && !truth(value)) ? otherwise : value,
);

/** All filters by name. */
export const filters: ReadonlyMap<string, Applied> = new Map<string, Applied>([
  ...textFilters,
  formatFilter,
  ...numberFilters,
  ...sequenceFilters,
  fallback,
  ['d', fallback[1]],
  ['map', (value, args, keywords) => generator(map(value, args, keywords))],
  ['select', (value, args, keywords) => generator(select(value, args, keywords, true, false))],
  ['reject', (value, args, keywords) => generator(select(value, args, keywords, false, false))],
  ['selectattr', (value, args, keywords) => generator(select(value, args, keywords, true, true))],
  ['rejectattr', (value, args, keywords) => generator(select(value, args, keywords, false, true))],
]);
for (const name of filters.keys()) isFilterName.add(name);

/** Steps of a filter or test that another filter calls. */
const CALL_STEPS = 4;

function* map(value: Value, args: readonly Value[], keywords: Keywords): Generator<Value> {
  if (!truth(value)) return;
  const apply =
    args.length === 0 && keywords.has('attribute') ? attributeOf(keywords) : filterOf(args, keywords);
  for (const item of each(value)) {
    spendSteps(CALL_STEPS);
    yield apply(item);
  }
}

function attributeOf(keywords: Keywords): (item: Value) => Value {
  const extra = [...keywords.keys()].find((key) => key !== 'attribute' && key !== 'default');
  if (extra !== undefined) throw argumentError(`Unexpected keyword argument ${repr(extra)}`);
  return attributeGetter(keywords.get('attribute') ?? null, { otherwise: keywords.get('default') ?? null });
}

function filterOf([name, ...args]: readonly Value[], keywords: Keywords): (item: Value) => Value {
  if (name === undefined) throw argumentError('map requires a filter argument');
  return (item) => {
    const apply = isString(name) ? filters.get(textOf(name)) : undefined;
    if (!apply) throw new TemplateError('TemplateRuntimeError', `No filter named ${repr(name)} found.`);
    return apply(item, args, keywords);
  };
}

function* select(
  value: Value,
  args: readonly Value[],
  keywords: Keywords,
  wanted: boolean,
  byAttribute: boolean,
): Generator<Value> {
  if (!truth(value)) return;
  const [attribute] = args;
  if (byAttribute && attribute === undefined) throw argumentError('Missing parameter for attribute name');
  const get = byAttribute ? attributeGetter(attribute as Value) : (item: Value) => item;
  const [test, ...rest] = byAttribute ? args.slice(1) : args;
  for (const item of each(value)) {
    spendSteps(CALL_STEPS);
    const result = test === undefined ? get(item) : runTest(test, get(item), rest, keywords);
    if (truth(result) === wanted) yield item;
  }
}
