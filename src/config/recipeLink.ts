import { changedFields } from './presets.ts';
import {
  checkField,
  defaultRecipe,
  parseRecipe,
  recipeFields,
  type Recipe,
  type RecipeKey,
} from './recipe.ts';

/** What a link or a file from elsewhere says of a recipe, taken apart before any of it is used. */
export interface SharedRecipe {
  /** The defaults with what could be used. */
  recipe: Recipe;
  /** Fields that differ from the defaults. */
  changed: RecipeKey[];
  /** Names that no field has. */
  unknown: string[];
  /** Values that their fields don't allow, and what would be. */
  invalid: { field: RecipeKey; value: string; expected: string }[];
}

const NAME = 'recipe';
/** Longer ones are no recipes. */
const MOST_CHARACTERS = 20_000;

/** The fragment of a link that carries a recipe: `#recipe=…`, the changed fields as JSON in base64url. */
export function recipeFragment(recipe: Recipe): string {
  const changes = Object.fromEntries(changedFields(recipe).map((key) => [key, recipe[key]]));
  const bytes = new TextEncoder().encode(JSON.stringify(changes));
  const base64 = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
  return `#${NAME}=${base64.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')}`;
}

/**
 * The recipe of a link's fragment; null where it carries none, `broken` where it does but can't be read. Every field
 * is checked alone: one that is wrong takes no other with it.
 */
export function parseRecipeFragment(fragment: string): SharedRecipe | 'broken' | null {
  const encoded = new URLSearchParams(fragment.replace(/^#/, '')).get(NAME);
  if (encoded === null) return null;
  if (encoded.length > MOST_CHARACTERS) return 'broken';
  try {
    const binary = atob(encoded.replaceAll('-', '+').replaceAll('_', '/'));
    const bytes = Uint8Array.from(binary, (char) => char.charCodeAt(0));
    const json: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (typeof json !== 'object' || json === null || Array.isArray(json)) return 'broken';
    return sharedRecipe(json);
  } catch {
    return 'broken';
  }
}

/** Takes settings from elsewhere apart into what can be used, what nobody knows, and what is not allowed. */
export function sharedRecipe(settings: object): SharedRecipe {
  const shared: SharedRecipe = { recipe: defaultRecipe(), changed: [], unknown: [], invalid: [] };
  for (const [key, value] of Object.entries(settings)) {
    if (!Object.hasOwn(recipeFields, key)) {
      shared.unknown.push(key.slice(0, 60));
      continue;
    }
    const field = key as RecipeKey;
    const expected = checkField(field, value);
    if (expected === null) Object.assign(shared.recipe, parseRecipe({ ...shared.recipe, [field]: value }));
    else shared.invalid.push({ field, value: JSON.stringify(value).slice(0, 80), expected });
  }
  return { ...shared, changed: changedFields(shared.recipe) };
}
