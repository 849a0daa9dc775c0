import * as v from 'valibot';

/** A recipe saved under a name: its changes from the defaults. */
export interface NamedRecipe {
  name: string;
  changes: Record<string, unknown>;
}

const STORAGE_KEY = 'graft.recipes';
/** Maximum number; more could hardly be found again. */
const MAX_RECIPES = 50;
const schema = v.array(
  v.object({ name: v.pipe(v.string(), v.minLength(1)), changes: v.record(v.string(), v.unknown()) }),
);

/** The recipes saved in this browser; empty if storage is denied or holds something else. */
export function readRecipes(): NamedRecipe[] {
  try {
    const result = v.safeParse(schema, JSON.parse(localStorage.getItem(STORAGE_KEY) ?? '[]'));
    return result.success ? result.output : [];
  } catch {
    return [];
  }
}

/** Saves recipes in this browser, up to a maximum number; returns those. */
export function writeRecipes(recipes: readonly NamedRecipe[]): NamedRecipe[] {
  const saved = recipes.slice(0, MAX_RECIPES);
  try {
    localStorage.setItem(STORAGE_KEY, JSON.stringify(saved));
  } catch {
    // Private windows may deny storage; they then last as long as the page.
  }
  return saved;
}
