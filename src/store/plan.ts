import type { Recipe } from '../config/recipe.ts';

export { plannedSteps } from '../config/plannedSteps.ts';

/** Tokens a row may have: what the recipe says, but never more than the model's context. */
export function rowLimit(recipe: Recipe, maxPositions: number | undefined): number {
  return Math.min(recipe.max_length, maxPositions ?? recipe.max_length);
}
