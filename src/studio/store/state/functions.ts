import type { Recipe } from '../../../base/config/recipe.ts';

/** A function of a recipe's that the user is asked about. */
export interface AskedFunction {
  /** What its reward is called. */
  name: string;
  source: string;
}

export interface FunctionsSlice {
  /** The function that the user is asked about; the others wait. */
  askedFunction: AskedFunction | null;
  /** Whether a function may run: the user is asked once for each text. */
  allowFunction(asked: AskedFunction): Promise<boolean>;
  /**
   * The same for all functions that a recipe rewards with, up to the first refusal. Where one is run it is asked again; this is
   * to ask before a model is loaded.
   */
  allowRewards(recipe: Pick<Recipe, 'objective' | 'rewards'>): Promise<boolean>;
  /**
   * Starts what trains by a recipe, if it may start and once the user allowed the recipe's functions: while the user was asked,
   * something else may have begun. Without functions it starts at once.
   * @param recipe null where it is not known: then the user is asked when a function is run
   */
  onceAllowed(
    recipe: Pick<Recipe, 'objective' | 'rewards'> | null,
    mayStart: () => boolean,
    start: () => Promise<void>,
  ): Promise<void>;
  answerFunction(yes: boolean): void;
}
