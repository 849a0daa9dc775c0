import * as v from 'valibot';

/** A recipe that a person kept under a name: what it changes from the defaults. */
export interface NamedRecipe {
  name: string;
  changes: Record<string, unknown>;
}

const STORAGE_KEY = 'graft.recipes';
/** More are no longer found again. */
const MOST = 50;
const schema = v.array(
  v.object({ name: v.pipe(v.string(), v.minLength(1)), changes: v.record(v.string(), v.unknown()) }),
);

/** The recipes kept in this browser; none where storage is denied or holds something else. */
export function readRecipes(): NamedRecipe[] {
  try {
    const result = v.safeParse(schema, JSON.parse(localStorage.getItem(STORAGE_KEY) ?? '[]'));
    return result.success ? result.output : [];
  } catch {
    return [];
  }
}

/** Keeps recipes in this browser, the first ones where they are too many; returns those. */
export function writeRecipes(recipes: readonly NamedRecipe[]): NamedRecipe[] {
  const kept = recipes.slice(0, MOST);
  try {
    localStorage.setItem(STORAGE_KEY, JSON.stringify(kept));
  } catch {
    // Private windows may deny storage; they then last as long as the page.
  }
  return kept;
}
