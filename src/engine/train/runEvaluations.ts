import type { TokenRows } from '../../content/data/tokens/tokenRows.ts';
import type { AdapterUse } from '../model/decoder/decoder.ts';
import { evaluate } from './evaluate.ts';
import { noteEvaluation } from './evalTracker.ts';
import { dataShapes, largestEvaluation, rowLimit } from './largestBatch.ts';
import { evaluatePreferences } from './preference/evaluatePreferences.ts';
import { objectiveOf, type ObjectiveSettings } from './preference/judge.ts';
import { KeptReferences } from './preference/keptReferences.ts';
import type { SampledSteps } from './grpo/sampledSteps.ts';
import type { FinishedStep } from './pipelinedSteps.ts';
import type { TrainingState } from './trainingState.ts';
import type { TrainOptions } from './trainOptions.ts';

/**
 * The evaluations of a run: before its first step, every `eval_steps` steps, and after the last. Where a run is stopped or
 * paused there is none besides, since it may be resumed, and must not differ from one that was not.
 */
export class RunEvaluations {
  readonly #options: Pick<
    TrainOptions,
    'decoder' | 'adapter' | 'recipe' | 'evalDataset' | 'evaluateAfter' | 'onEval' | 'onEvaluating'
  >;
  readonly #state: TrainingState;
  #references: KeptReferences | null = null;

  readonly #sampled: SampledSteps | null;

  constructor(options: TrainOptions, state: TrainingState, sampled: SampledSteps | null = null) {
    this.#options = options;
    this.#state = state;
    this.#sampled = sampled;
  }

  /** Evaluates before the first step, to compare with. It counts for neither the best step nor early stopping. */
  async before(): Promise<void> {
    if (this.#options.evalDataset) await this.#evaluate(0, this.#options.evalDataset);
  }

  /**
   * Evaluates after a step where that is due; the best parameters so far are copied where the recipe loads them at its end.
   * @returns whether it is the best evaluation so far
   */
  async after({ step, settled }: FinishedStep, isLast: boolean): Promise<boolean> {
    const { recipe, evalDataset, evaluateAfter } = this.#options;
    const { progress } = this.#state;
    const isDue = isLast || step % recipe.eval_steps === 0;
    if (!evalDataset || !(isDue || step === evaluateAfter)) return false;
    await settled();
    const loss = await this.#evaluate(step, evalDataset);
    if (!isDue) return false;
    const isBest = noteEvaluation(progress, loss, recipe.min_delta);
    if (isBest) await this.#state.copyBest();
    return isBest;
  }

  async #evaluate(step: number, rows: TokenRows): Promise<number> {
    const { decoder, adapter, recipe, onEval, onEvaluating } = this.#options;
    onEvaluating?.(step, rows.offsets.length - 1);
    if (this.#sampled) {
      const reward = (await this.#sampled.evaluate(rows)) ?? Number.NaN;
      // What is best has the lowest loss, for all that compares evaluations.
      onEval(step, -reward, reward);
      return -reward;
    }
    const use = { adapter, strength: 1, dropout: null };
    const objective = objectiveOf(recipe);
    const loss = objective
      ? await this.#preferenceLoss(objective, use, rows)
      : (await evaluate(decoder, use, rows, recipe.batch_size)).loss;
    onEval(step, loss);
    return loss;
  }

  async #preferenceLoss(objective: ObjectiveSettings, use: AdapterUse, rows: TokenRows): Promise<number> {
    const { decoder, recipe } = this.#options;
    const { maxPositions } = decoder.spec;
    const { batch_size: batchSize } = recipe;
    // Every evaluation is of the same rows.
    if (objective.objective === 'dpo') {
      const shapes = dataShapes({ train: rows, evaluation: rows });
      const largest = largestEvaluation(recipe, maxPositions, shapes)!;
      this.#references ??= await KeptReferences.compute(decoder, rows, largest, 1);
    }
    const maxLength = rowLimit(recipe, maxPositions);
    const options = { batchSize, maxLength, references: this.#references };
    return evaluatePreferences(decoder, use, rows, objective, options);
  }

  /** Gives the adapter the parameters that are the run's result. @returns their step */
  loadResult(): number {
    return this.#state.loadBest() ?? this.#state.progress.step;
  }
}
