import type { Recipe } from '../../base/config/recipe.ts';
import { planSteps, type StepPlan } from '../../content/data/tokens/batches.ts';

/** Which rows each step of a recipe's run takes. @param lengths [rows] tokens of each row */
export function stepsOf(recipe: Recipe, lengths: ArrayLike<number>): StepPlan {
  // With GRPO several steps may pass over the same sample.
  const passes = recipe.objective === 'grpo' ? recipe.num_iterations : 1;
  const plan = planRows(recipe, lengths);
  if (passes === 1) return plan;
  return {
    steps: recipe.max_steps > 0 ? plan.steps : plan.steps * passes,
    stepsPerEpoch: plan.stepsPerEpoch * passes,
    step: (i) => plan.step(Math.floor(i / passes)),
  };
}

function planRows(recipe: Recipe, lengths: ArrayLike<number>): StepPlan {
  return planSteps({
    lengths,
    batchSize: recipe.batch_size,
    gradAccum: recipe.grad_accum,
    shuffle: recipe.shuffle,
    packing: recipe.packing,
    maxLength: recipe.max_length,
    seed: recipe.seed,
    ...(recipe.max_steps > 0 ? { maxSteps: recipe.max_steps } : { epochs: recipe.epochs }),
  });
}
