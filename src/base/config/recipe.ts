import * as v from 'valibot';
import { parseByteSize } from '../lib/byteSize.ts';
import { GraftError } from '../lib/errors.ts';
import { shortJson } from '../lib/shortJson.ts';
import { adapterSettings } from './recipeFields/adapter.ts';
import { dataSettings } from './recipeFields/data.ts';
import { grpoSettings } from './recipeFields/grpo.ts';
import { mainSettings } from './recipeFields/main.ts';
import { optimizerSettings } from './recipeFields/optimizer.ts';
import { preferenceSettings } from './recipeFields/preference.ts';
import { runSettings } from './recipeFields/run.ts';

export type { RecipeGroup } from './recipeField.ts';
export { schedules, type ScheduleName } from './recipeFields/optimizer.ts';
export { loraInits } from './recipeFields/adapter.ts';

/** Every setting of a training run: its rule, default and help, in display order. */
export const recipeFields = {
  ...mainSettings,
  ...dataSettings,
  ...preferenceSettings,
  ...grpoSettings,
  ...adapterSettings,
  ...optimizerSettings,
  ...runSettings,
} as const;

export type RecipeKey = keyof typeof recipeFields;

/** Objectives of preference training, and the settings that each reads. */
export const preferenceFields = {
  dpo: ['dpo_loss', 'beta', 'label_smoothing'],
  orpo: ['orpo_lambda'],
  simpo: ['beta', 'simpo_gamma', 'label_smoothing'],
  cpo: ['beta', 'cpo_alpha', 'label_smoothing'],
  kto: ['beta', 'desirable_weight', 'undesirable_weight'],
} as const satisfies Record<string, readonly RecipeKey[]>;

/** Settings that only GRPO reads, beside `beta`. */
export const grpoFields = [
  'rewards',
  'num_generations',
  'max_completion_length',
  'temperature',
  'top_p',
  'top_k',
  'epsilon',
  'num_iterations',
  'loss_type',
  'scale_rewards',
] as const satisfies readonly RecipeKey[];

/** Settings of the adapter, or of how it is trained; without effect when the model itself is trained. */
export const adapterFields: readonly RecipeKey[] = [
  'rank',
  'alpha',
  'targets',
  'modules_to_save',
  'quant',
  'double_quant',
  'layers',
  'dropout',
  'rslora',
  'dora',
  'init_lora_weights',
  'loraplus_lr_ratio',
];

/** The name of an objective of preference training. */
export type PreferenceObjectiveName = keyof typeof preferenceFields;

/** An immutable description of a training run. */
export type Recipe = { [K in RecipeKey]: v.InferOutput<(typeof recipeFields)[K]['schema']> };

/**
 * The recipe with every field at its default.
 * @param objective whose defaults are taken where they depend on it, as in TRL; it is itself no field that is changed
 */
export function defaultRecipe(objective: Recipe['objective'] = 'sft'): Recipe {
  const recipe = Object.fromEntries(
    Object.entries(recipeFields).map(([key, f]) => [key, f.default]),
  ) as Recipe;
  return objective === 'grpo' ? { ...recipe, beta: 0 } : recipe;
}

/**
 * Reads a recipe from JSON: unknown keys and values out of range are errors that name the key; null leaves a field at
 * its default. Throws `train.recipe_not_object`, `train.recipe_unknown_key`, `train.recipe_invalid`.
 */
export function parseRecipe(json: unknown): Recipe {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new GraftError('train.recipe_not_object');
  }
  const recipe = defaultRecipe((json as Partial<Recipe>).objective);
  for (const [key, given] of Object.entries(json)) {
    if (!Object.hasOwn(recipeFields, key)) {
      throw new GraftError('train.recipe_unknown_key', { key, known: Object.keys(recipeFields).join(', ') });
    }
    if (given === null) continue;
    const value = valueOf(key as RecipeKey, given);
    const expected = checkField(key as RecipeKey, value);
    if (expected !== null) {
      // JSON cannot express infinity, but 1e999 in a file parses to it.
      const shown = typeof value === 'number' ? String(value) : shortJson(value, 80);
      throw new GraftError('train.recipe_invalid', { key, value: shown, expected });
    }
    Object.assign(recipe, { [key]: value });
  }
  return recipe;
}

/** Normalizes a value: a size may be written with its unit. */
function valueOf(key: RecipeKey, given: unknown): unknown {
  return key === 'memory_budget' && typeof given === 'string' ? (parseByteSize(given) ?? given) : given;
}

/** The rule that a field's value violates; null if it is valid. */
export function checkField(key: RecipeKey, value: unknown): string | null {
  const result = v.safeParse(recipeFields[key].schema, value);
  return result.success ? null : result.issues[0].message;
}
