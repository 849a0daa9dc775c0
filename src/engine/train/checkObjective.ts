import type { Recipe, RecipeKey } from '../../base/config/recipe.ts';
import { GraftError } from '../../base/lib/errors.ts';

/**
 * Checks that settings of a recipe go with its objective. Throws `train.kto_one_row` where batches leave KTO nothing to
 * compare with, `train.no_rewards`, `train.objective_refuses` by the setting.
 */
export function checkObjective(recipe: Recipe): void {
  const { objective, batch_size, rewards } = recipe;
  if (objective === 'kto' && batch_size === 1) throw new GraftError('train.kto_one_row');
  const refuse = (key: RecipeKey, expected: string) => {
    throw new GraftError('train.objective_refuses', {
      objective,
      key,
      value: JSON.stringify(recipe[key]),
      expected,
    });
  };
  if (objective === 'grpo') {
    if (rewards.length === 0) throw new GraftError('train.no_rewards');
    if (recipe.packing) refuse('packing', 'false');
    if (recipe.split_turns) refuse('split_turns', 'false');
    if (recipe.neftune_noise_alpha > 0) refuse('neftune_noise_alpha', '0');
  } else if (objective !== 'sft' && objective !== 'orpo' && recipe.beta === 0) refuse('beta', '0.1');
}
