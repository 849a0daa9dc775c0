import { readingKeys } from './reading.ts';
import { recipeFields, type RecipeKey } from './recipe.ts';

/**
 * Settings that decide which rows there are, which of them are held out, or what their loss is: recipes that differ in one
 * have evaluation losses that say nothing about each other.
 */
export const sharedKeys: readonly RecipeKey[] = [
  ...readingKeys,
  'max_length',
  'eval_fraction',
  'seed',
  'dpo_loss',
  'beta',
  'label_smoothing',
  'simpo_gamma',
  'cpo_alpha',
  'orpo_lambda',
  'desirable_weight',
  'undesirable_weight',
];

/** Settings that a sweep may vary, in the recipe's order. */
export const sweptKeys = (Object.keys(recipeFields) as RecipeKey[]).filter(
  (key) => !sharedKeys.includes(key),
);

/**
 * Reads `key=v1,v2`, as the command line and the page take it: values are JSON, or plain words.
 * @returns null where there is no key or no value
 */
export function readAxis(text: string): { key: string; values: unknown[] } | null {
  const [, key = '', list = ''] = /^\s*(\w+)\s*=(.*)$/s.exec(text) ?? [];
  const values = readValues(list);
  return key === '' || values.length === 0 ? null : { key, values };
}

/** Values separated by commas: JSON, such as `[0, 1], "all"`, or plain words and numbers. */
export function readValues(list: string): unknown[] {
  const all = parsed(`[${list}]`);
  if (Array.isArray(all)) return all;
  const words = list.split(',').map((word) => word.trim());
  return words.filter(Boolean).map((word) => parsed(word) ?? word);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
