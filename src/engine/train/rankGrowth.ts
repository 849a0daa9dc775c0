import type { Recipe } from '../../base/config/recipe.ts';
import type { Growable, Trainable } from '../model/trained/trainable.ts';
import { changeRank, growing, rankAt } from './rankSchedule.ts';
import type { StepRunner } from './trainStep.ts';

/** The rank of a run's adapter over its steps; constant unless the recipe lets it grow. */
export class RankGrowth {
  readonly #recipe: Recipe;
  /** Null where the rank is constant. */
  readonly #adapter: Growable | null;

  private constructor(recipe: Recipe, adapter: Growable | null) {
    this.#recipe = recipe;
    this.#adapter = adapter;
  }

  /** Gives the adapter the rank it has at `step`, the run's first or the last before it is resumed. Throws `train.growth_8bit`. */
  static async begin(trained: Trainable, recipe: Recipe, step: number): Promise<RankGrowth> {
    const adapter = growing(trained, recipe);
    if (adapter) await changeRank(adapter, rankAt(recipe, Math.max(1, step)), recipe.seed);
    return new RankGrowth(recipe, adapter);
  }

  /** Whether the next step trains another rank. */
  changesAfter(step: number): boolean {
    return this.#adapter !== null && rankAt(this.#recipe, step) !== rankAt(this.#recipe, step + 1);
  }

  /** Brings the adapter and its optimizer to the rank of `step`. */
  async changeRank(runner: StepRunner, step: number): Promise<void> {
    const rank = rankAt(this.#recipe, step);
    if (this.#adapter && this.#adapter.rank !== rank)
      await runner.changeRank(this.#adapter, rank, this.#recipe.seed);
  }

  /** Gives the adapter the recipe's rank, which its file states, however the run ended. A lost device is no error. */
  async end(): Promise<void> {
    const { rank, seed } = this.#recipe;
    if (this.#adapter) await changeRank(this.#adapter, rank, seed).catch(() => undefined);
  }
}
