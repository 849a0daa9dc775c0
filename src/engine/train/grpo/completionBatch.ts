import type { Recipe } from '../../../base/config/recipe.ts';
import { IGNORED } from '../../../content/data/labels/tokenizedRow.ts';
import {
  buildMicroBatch,
  type KnownLogps,
  type MicroBatch,
} from '../../../content/data/tokens/microBatch.ts';
import { tokenRowsOf, type TokenRows } from '../../../content/data/tokens/tokenRows.ts';
import { completionRoom } from './completionShapes.ts';

/** A completion of a row's prompt, and what it is to the loss. */
export interface TrainedCompletion {
  row: number;
  ids: readonly number[];
  advantage: number;
  known: KnownLogps;
}

/** A row's prompt. */
export function promptOf({ ids, offsets }: TokenRows, row: number): number[] {
  return Array.from(ids.subarray(offsets[row], offsets[row + 1]));
}

/**
 * Completions after their prompts as a micro-batch, each a segment of its own.
 * @param shares of a token of each completion in the loss of the step
 */
export function completionBatch(
  dataset: TokenRows,
  completions: readonly TrainedCompletion[],
  shares: readonly number[],
): MicroBatch {
  const rows = tokenRowsOf(
    completions.map(({ row, ids }) => {
      const prompt = promptOf(dataset, row);
      return { ids: [...prompt, ...ids], labels: [...prompt.map(() => IGNORED), ...ids] };
    }),
  );
  const batch = buildMicroBatch(
    rows,
    completions.map((_, i) => [i]),
  );
  let end = 0;
  return {
    ...batch,
    completions: completions.map(({ ids, advantage, known }, i) => {
      const start = end;
      end += ids.length;
      return { start, end, advantage, tokenShare: shares[i]!, known };
    }),
  };
}

/** The largest that the completions of some rows can be, without advantages. @param limit of prompt and completion together */
export function longestCompletionBatch(
  dataset: TokenRows,
  rows: readonly number[],
  recipe: Pick<Recipe, 'max_completion_length' | 'num_generations'>,
  limit: number,
): MicroBatch {
  const completions = rows.flatMap((row) => {
    const room = completionRoom(recipe, dataset.offsets[row + 1]! - dataset.offsets[row]!, limit);
    const ids = Array.from({ length: room }, () => 0);
    return Array.from({ length: recipe.num_generations }, () => ({
      row,
      ids,
      advantage: 0,
      known: { sampled: null, reference: null },
    }));
  });
  return completionBatch(
    dataset,
    completions,
    completions.map(() => 0),
  );
}
