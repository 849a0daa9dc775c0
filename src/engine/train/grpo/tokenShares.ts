import type { Recipe } from '../../../base/config/recipe.ts';

/**
 * What the loss of each token counts in the loss of a step, by TRL's `loss_type`.
 * @param lengths of each micro-batch, the tokens of its completions, each at least one
 * @returns of each micro-batch, the share of a token of each completion
 */
export function tokenShares(
  lengths: readonly (readonly number[])[],
  { loss_type, max_completion_length }: Pick<Recipe, 'loss_type' | 'max_completion_length'>,
): number[][] {
  const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);
  const all = sum(lengths.map(sum));
  const batches = lengths.length;
  return lengths.map((batch) => {
    switch (loss_type) {
      case 'grpo':
        return batch.map((length) => 1 / (length * batch.length * batches));
      case 'bnpo':
        return batch.map(() => 1 / (sum(batch) * batches));
      case 'dr_grpo':
        return batch.map(() => 1 / (batch.length * max_completion_length * batches));
      case 'dapo':
        return batch.map(() => 1 / all);
    }
  });
}
