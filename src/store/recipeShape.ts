import { adapterFields, checkField, recipeFields, type Recipe, type RecipeKey } from '../config/recipe.ts';

/** How a field is edited. Ranges are read from the recipe's own rules, so that there is one source of them. */
export type FieldShape =
  | { kind: 'number'; min: number; max: number; integer: boolean }
  | { kind: 'choice'; options: readonly string[] }
  | { kind: 'switch' }
  | { kind: 'targets' }
  | { kind: 'modules' }
  | { kind: 'layers' }
  | { kind: 'json' };

interface SchemaLike {
  type: string;
  options?: readonly unknown[];
  pipe?: readonly { type: string; requirement?: unknown }[];
}

/** The shape of a recipe field, from its schema. */
export function fieldShape(key: RecipeKey): FieldShape {
  if (key === 'targets' || key === 'layers') return { kind: key };
  const schema = recipeFields[key].schema as unknown as SchemaLike;
  if (schema.type === 'boolean') return { kind: 'switch' };
  if (schema.type === 'array') return { kind: 'modules' };
  if (schema.type === 'custom') return { kind: 'json' };
  if (schema.type === 'picklist') return { kind: 'choice', options: schema.options as string[] };
  const rule = (type: string) => schema.pipe?.find((action) => action.type === type);
  return {
    kind: 'number',
    min: Number(rule('min_value')?.requirement ?? -Infinity),
    max: Number(rule('max_value')?.requirement ?? Infinity),
    integer: rule('integer') !== undefined,
  };
}

/** The value meant by `text` in a number, layers or JSON field; undefined when it is not allowed there. */
export function parseFieldText(key: RecipeKey, text: string): unknown {
  const value = parseText(fieldShape(key).kind, text.trim());
  return value !== undefined && checkField(key, value) === null ? value : undefined;
}

function parseText(kind: FieldShape['kind'], text: string): unknown {
  if (kind === 'layers') return parseLayers(text);
  if (kind === 'json') return parseJsonText(text);
  return text === '' ? undefined : Number(text.replace(',', '.'));
}

/** The value of JSON, an empty text being the empty object; undefined for what is no JSON. */
function parseJsonText(text: string): unknown {
  if (text === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** JSON on one line: {"enable_thinking": false}. Reading it back gives the same value. */
export function formatJson(value: unknown): string {
  // Strings hold no bare line breaks, so every one of them separates items.
  return JSON.stringify(value, null, 1)
    .replace(/([[{])\n */g, '$1')
    .replace(/\n *([\]}])/g, '$1')
    .replace(/\n */g, ' ');
}

/** "all", or block numbers and ranges such as "0-3, 7"; undefined when it is neither. */
export function parseLayers(text: string): 'all' | number[] | undefined {
  if (text.toLowerCase() === 'all') return 'all';
  const layers = new Set<number>();
  for (const part of text.split(/[\s,;]+/).filter(Boolean)) {
    const match = /^(\d{1,6})(?:[-–](\d{1,6}))?$/.exec(part);
    if (!match) return undefined;
    const from = Number(match[1]);
    const to = match[2] === undefined ? from : Number(match[2]);
    if (to < from || to - from > 100_000) return undefined;
    for (let layer = from; layer <= to; layer++) layers.add(layer);
  }
  return layers.size > 0 ? [...layers].sort((a, b) => a - b) : undefined;
}

/** Block numbers as a person writes them: "0-3, 7". */
export function formatLayers(layers: 'all' | readonly number[]): string {
  if (layers === 'all') return 'all';
  const runs: [number, number][] = [];
  for (const layer of layers) {
    const last = runs.at(-1);
    if (last && layer === last[1] + 1) last[1] = layer;
    else runs.push([layer, layer]);
  }
  return runs.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(', ');
}

/** A number as the field writes it: 2e-4, 0.05, 1024. Reading it back gives the same number. */
export function formatNumber(value: number): string {
  const size = Math.abs(value);
  return size > 0 && (size < 0.01 || size >= 1e9) ? value.toExponential().replace('e+', 'e') : String(value);
}

/** Why a field has no effect here: another method, or a model that comes in 4 bits and stays in them. */
export function idleReason(
  key: RecipeKey,
  { method }: Pick<Recipe, 'method'>,
  comesQuantized: boolean,
): 'quantizedModel' | 'needsQlora' | 'needsAdapter' | null {
  if (method === 'full' && adapterFields.includes(key)) return 'needsAdapter';
  // Every parameter of such a model cannot be trained, so there the method must remain open to change.
  const fixed = method === 'full' ? quantizationFields : [...quantizationFields, 'method'];
  if (comesQuantized) return fixed.includes(key) ? 'quantizedModel' : null;
  return quantizationFields.includes(key) && method !== 'qlora' ? 'needsQlora' : null;
}

const quantizationFields: readonly RecipeKey[] = ['quant', 'double_quant'];
