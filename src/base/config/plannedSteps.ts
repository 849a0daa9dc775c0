import type { Recipe } from './recipe.ts';

type Steps = Pick<Recipe, 'max_steps' | 'batch_size' | 'grad_accum' | 'epochs'>;

/** Estimates the optimizer steps of a run; packing reduces them. */
export function plannedSteps(recipe: Steps, rows: number): number {
  if (recipe.max_steps > 0) return recipe.max_steps;
  const stepsPerEpoch = Math.max(1, Math.ceil(Math.ceil(rows / recipe.batch_size) / recipe.grad_accum));
  return Math.max(1, Math.ceil(stepsPerEpoch * recipe.epochs));
}
