import * as v from 'valibot';

/** An integer; every rule's message describes valid values. */
export function count(min: number, max: number, expected = `a whole number from ${min} to ${max}`) {
  return v.pipe(
    v.number(expected),
    v.integer(expected),
    v.minValue(min, expected),
    v.maxValue(max, expected),
  );
}

/** A number; the rule's message describes valid values. */
export function real(min: number, max: number, expected = `a number from ${min} to ${max}`) {
  return v.pipe(v.number(expected), v.minValue(min, expected), v.maxValue(max, expected));
}

/** One of several words. */
export function choice<const T extends readonly string[]>(options: T) {
  const names = options.map((option) => `"${option}"`).join(', ');
  return v.picklist(options, options.length > 1 ? `one of ${names}` : names);
}

/** True or false. */
export const flag = () => v.boolean('true or false');

/** `word`, or a list of one or more items. */
export function wordOrList<const W extends string, S extends v.GenericSchema>(
  word: W,
  item: S,
  expected: string,
) {
  return v.union(
    [v.literal(word, expected), v.pipe(v.array(item, expected), v.minLength(1, expected))],
    expected,
  );
}

const objectText = 'a JSON object such as {"enable_thinking": false}';

/** A JSON object; `v.record` would accept lists as objects, too. */
export const jsonObject = v.custom<Record<string, unknown>>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value) && isExactJson(value),
  objectText,
);

/** Whether no number in it is infinite or rounded, as 1e999 and 2^53 + 1 are when JSON is parsed. */
function isExactJson(value: unknown): boolean {
  if (typeof value === 'number') return Math.abs(value) < 2 ** 53;
  return typeof value !== 'object' || value === null || Object.values(value).every(isExactJson);
}

/** Where the fields appear in the studio: always shown, or folded under "Advanced". */
export type RecipeGroup = 'main' | 'advanced';

/** A setting: its rule, default, label, help, and group. */
export interface Field<S extends v.GenericSchema> {
  schema: S;
  default: v.InferOutput<S>;
  label: string;
  help: string;
  group: RecipeGroup;
}

/** Makes a {@link Field}. */
export function field<const S extends v.GenericSchema>(
  schema: S,
  fallback: v.InferOutput<S>,
  group: RecipeGroup,
  label: string,
  help: string,
): Field<S> {
  return { schema, default: fallback, label, help, group };
}
