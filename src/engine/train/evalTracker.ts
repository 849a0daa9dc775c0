import type { Recipe } from '../../base/config/recipe.ts';
import { GraftError } from '../../base/lib/errors.ts';
import type { TrainProgress } from './trainProgress.ts';

/** Throws `train.no_eval_rows` where the recipe needs evaluations. */
export function checkEvaluation({ load_best, patience }: Recipe, hasRows: boolean): void {
  if (hasRows) return;
  const key = load_best ? 'load_best' : 'patience';
  if (load_best || patience > 0) throw new GraftError('train.no_eval_rows', { key });
}

/**
 * Notes an evaluation: the lowest loss of all is the best, whatever it gained; early stopping counts the evaluations
 * that were not lower by `min_delta` (transformers' EarlyStoppingCallback). A loss that is not a number is no better.
 * @returns whether it is the best so far
 */
export function noteEvaluation(progress: TrainProgress, loss: number, minDelta: number): boolean {
  const { step, best, lowest } = progress;
  if (lowest === null ? Number.isFinite(loss) : loss < lowest - minDelta) {
    progress.lowest = loss;
    progress.stale = 0;
  } else {
    progress.stale += 1;
  }
  if (!Number.isFinite(loss) || (best && loss >= best.loss)) return false;
  progress.best = { step, loss };
  return true;
}

/** Whether early stopping ends the run. */
export function ranOutOfPatience({ stale }: TrainProgress, { patience }: Recipe): boolean {
  return patience > 0 && stale >= patience;
}
