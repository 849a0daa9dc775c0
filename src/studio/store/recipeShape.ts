import { parseByteSize } from '../../base/lib/byteSize.ts';
import { parseBoundedJson } from '../../base/lib/boundedJson.ts';
import {
  adapterFields,
  checkField,
  recipeFields,
  type Recipe,
  type RecipeKey,
} from '../../base/config/recipe.ts';

/** How a field is edited. Ranges come from the recipe's own rules, the single source. */
export type FieldShape =
  | { kind: 'number'; min: number; max: number; integer: boolean }
  | { kind: 'choice'; options: readonly string[] }
  | { kind: 'switch' }
  | { kind: 'split' }
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
  if (key === 'eval_fraction') return { kind: 'split' };
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

/** Parses the text of a number, layers or JSON field; undefined if invalid. */
export function parseFieldText(key: RecipeKey, text: string): unknown {
  const size = key === 'memory_budget' ? parseByteSize(text.trim()) : null;
  const value = size ?? parseText(fieldShape(key).kind, text.trim(), key === 'rewards');
  return value !== undefined && checkField(key, value) === null ? value : undefined;
}

function parseText(kind: FieldShape['kind'], text: string, isList: boolean): unknown {
  if (kind === 'layers') return parseLayers(text);
  if (kind === 'json') return parseJsonText(text, isList);
  return text === '' ? undefined : Number(text.replace(',', '.'));
}

/** Parses JSON, empty text as the empty object or list; undefined if invalid. */
function parseJsonText(text: string, isList: boolean): unknown {
  if (text === '') return isList ? [] : {};
  try {
    return parseBoundedJson(text);
  } catch {
    return undefined;
  }
}

/** JSON on one line: {"enable_thinking": false}. Parsing it gives the same value. */
export function formatJson(value: unknown): string {
  // Strings contain no raw line breaks, so every one of them separates items.
  return JSON.stringify(value, null, 1)
    .replace(/([[{])\n */g, '$1')
    .replace(/\n *([\]}])/g, '$1')
    .replace(/\n */g, ' ');
}

/** Parses "all", or block numbers and ranges such as "0-3, 7"; undefined if invalid. */
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

/** Formats block numbers as users write them: "0-3, 7". */
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

/** Formats a number for its field: 2e-4, 0.05, 1024. Parsing it gives the same number. */
export function formatNumber(value: number): string {
  const size = Math.abs(value);
  return size > 0 && (size < 0.01 || size >= 1e9) ? value.toExponential().replace('e+', 'e') : String(value);
}

/** Why a field has no effect here: another method, or a quantized model that stays in 4 bits. */
export function idleReason(
  key: RecipeKey,
  { method }: Pick<Recipe, 'method'>,
  comesQuantized: boolean,
): 'quantizedModel' | 'needsQlora' | 'needsAdapter' | null {
  if (method === 'full' && adapterFields.includes(key)) return 'needsAdapter';
  // Such a model does not support full training, so the method must remain changeable.
  const fixed = method === 'full' ? quantizationFields : [...quantizationFields, 'method'];
  if (comesQuantized) return fixed.includes(key) ? 'quantizedModel' : null;
  return quantizationFields.includes(key) && method !== 'qlora' ? 'needsQlora' : null;
}

const quantizationFields: readonly RecipeKey[] = ['quant', 'double_quant'];
