import type { Recipe } from '../config/recipe.ts';

/** About how many optimizer steps a run will take: packing makes it fewer. */
export function plannedSteps(recipe: Recipe, rows: number): number {
  if (recipe.max_steps > 0) return recipe.max_steps;
  const stepsPerEpoch = Math.max(1, Math.ceil(Math.ceil(rows / recipe.batch_size) / recipe.grad_accum));
  return Math.max(1, Math.ceil(stepsPerEpoch * recipe.epochs));
}

/** Tokens a row may have: what the recipe says, but never more than the model's context. */
export function rowLimit(recipe: Recipe, maxPositions: number | undefined): number {
  return Math.min(recipe.max_length, maxPositions ?? recipe.max_length);
}
