import type { Recipe } from '../../base/config/recipe.ts';

export { plannedSteps } from '../../base/config/plannedSteps.ts';

/** Maximum tokens per row: the recipe's, but never more than the model's context. */
export function rowLimit(recipe: Recipe, maxPositions: number | undefined): number {
  return Math.min(recipe.max_length, maxPositions ?? recipe.max_length);
}
