import { parseBoundedJson } from '../lib/boundedJson.ts';
import { shortJson } from '../lib/shortJson.ts';
import { changedFields } from './presets.ts';
import {
  checkField,
  defaultRecipe,
  parseRecipe,
  recipeFields,
  type Recipe,
  type RecipeKey,
} from './recipe.ts';

/** A recipe from a link or a file of unknown origin, sorted into valid and invalid parts before any is used. */
export interface SharedRecipe {
  /** The defaults with the valid fields applied. */
  recipe: Recipe;
  /** Fields that differ from the defaults. */
  changed: RecipeKey[];
  /** Unknown field names. */
  unknown: string[];
  /** Invalid values, with the rule of their fields. */
  invalid: { field: RecipeKey; value: string; expected: string }[];
}

const NAME = 'recipe';
/** Longer fragments are not recipes. */
const MAX_CHARACTERS = 20_000;

/** The fragment of a link to a recipe: `#recipe=…`, the changed fields as JSON in base64url. */
export function recipeFragment(recipe: Recipe): string {
  const changes = Object.fromEntries(changedFields(recipe).map((key) => [key, recipe[key]]));
  const bytes = new TextEncoder().encode(JSON.stringify(changes));
  const base64 = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
  return `#${NAME}=${base64.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')}`;
}

/**
 * The recipe in a link's fragment; null if it has none, `broken` if it can't be decoded. Every field is checked
 * separately: an invalid one does not affect the others.
 */
export function parseRecipeFragment(fragment: string): SharedRecipe | 'broken' | null {
  const encoded = new URLSearchParams(fragment.replace(/^#/, '')).get(NAME);
  if (encoded === null) return null;
  if (encoded.length > MAX_CHARACTERS) return 'broken';
  try {
    const binary = atob(encoded.replaceAll('-', '+').replaceAll('_', '/'));
    const bytes = Uint8Array.from(binary, (char) => char.charCodeAt(0));
    const json = parseBoundedJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (typeof json !== 'object' || json === null || Array.isArray(json)) return 'broken';
    return sharedRecipe(json);
  } catch {
    return 'broken';
  }
}

/** Sorts settings of unknown origin into valid, unknown and invalid ones. */
export function sharedRecipe(settings: object): SharedRecipe {
  const objective = checkField('objective', (settings as Partial<Recipe>).objective) === null;
  const recipe = defaultRecipe(objective ? (settings as Partial<Recipe>).objective : 'sft');
  const shared: SharedRecipe = { recipe, changed: [], unknown: [], invalid: [] };
  for (const [key, value] of Object.entries(settings)) {
    if (!Object.hasOwn(recipeFields, key)) {
      shared.unknown.push(key.slice(0, 60));
      continue;
    }
    const field = key as RecipeKey;
    const expected = checkField(field, value);
    if (expected === null) Object.assign(shared.recipe, parseRecipe({ ...shared.recipe, [field]: value }));
    else shared.invalid.push({ field, value: shortJson(value, 80), expected });
  }
  return { ...shared, changed: changedFields(shared.recipe) };
}
