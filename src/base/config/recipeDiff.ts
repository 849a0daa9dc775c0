import { recipeFields, type Recipe, type RecipeKey } from './recipe.ts';

/** A setting in which two recipes differ. */
export interface RecipeDifference {
  key: RecipeKey;
  before: Recipe[RecipeKey];
  after: Recipe[RecipeKey];
}

/** The settings that differ between two recipes, in the recipe's order, with both values. */
export function recipeDiff(before: Recipe, after: Recipe): RecipeDifference[] {
  return differingKeys([before, after]).map((key) => ({ key, before: before[key], after: after[key] }));
}

/** The settings that are not the same in all recipes, in the recipe's order. */
export function differingKeys(recipes: readonly Recipe[]): RecipeKey[] {
  return (Object.keys(recipeFields) as RecipeKey[]).filter(
    (key) => new Set(recipes.map((recipe) => JSON.stringify(recipe[key]))).size > 1,
  );
}
