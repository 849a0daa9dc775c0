import { parseRecipe, type Recipe } from '../../base/config/recipe.ts';
import { differingKeys } from '../../base/config/recipeDiff.ts';
import { sharedKeys } from '../../base/config/sweepAxes.ts';
import { GraftError } from '../../base/lib/errors.ts';

/** The most recipes of a sweep. */
export const MAX_RECIPES = 256;

/** Values of settings, to be combined: the first setting changes slowest. */
export type Grid = Readonly<Record<string, readonly unknown[]>>;

/**
 * Every combination of a grid's values on a recipe. Throws `train.recipe_*`, `train.sweep_*`.
 */
export function expandGrid(base: Recipe, grid: Grid): Recipe[] {
  const count = Object.values(grid).reduce((product, values) => product * values.length, 1);
  if (count > MAX_RECIPES) throw new GraftError('train.sweep_many', { count, most: MAX_RECIPES });
  const combined = Object.entries(grid).reduce<Record<string, unknown>[]>(
    (given, [key, values]) => given.flatMap((one) => values.map((value) => ({ ...one, [key]: value }))),
    [{}],
  );
  return expandList(base, combined);
}

/**
 * The recipes of a list: each says how it differs from `base`. Throws `train.recipe_*`, `train.sweep_*`.
 */
export function expandList(base: Recipe, changes: readonly unknown[]): Recipe[] {
  const recipes = changes.map((change) => {
    // What is no object is refused as such.
    const given: unknown = isPlain(change) ? { ...base, ...change } : change;
    return parseRecipe(given);
  });
  checkSweep(recipes);
  return recipes;
}

/** Throws `train.sweep_few`, `train.sweep_many`, `train.sweep_same`, `train.sweep_other_rows`. */
export function checkSweep(recipes: readonly Recipe[]): void {
  const count = recipes.length;
  if (count < 2) throw new GraftError('train.sweep_few', { count });
  if (count > MAX_RECIPES) throw new GraftError('train.sweep_many', { count, most: MAX_RECIPES });
  const key = differingKeys(recipes).find((one) => sharedKeys.includes(one));
  if (key !== undefined) throw new GraftError('train.sweep_other_rows', { key });
  const numbers = new Map<string, number>();
  for (const [index, recipe] of recipes.entries()) {
    const text = JSON.stringify(recipe);
    const first = numbers.get(text);
    if (first !== undefined) throw new GraftError('train.sweep_same', { first, second: index + 1 });
    numbers.set(text, index + 1);
  }
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
