import type { Recipe } from '../../base/config/recipe.ts';
import type { Commands } from '../gpu/commands.ts';
import type { Tensor } from '../gpu/tensor.ts';
import type { AdamWOptions } from '../kernels/adamW.ts';

/** How m and v of AdamW are stored, by the recipe's names. */
export type OptimizerName = Recipe['optimizer'];

/** m and v of every parameter of a buffer, zero before the first step. */
export interface AdamStates {
  /** All that a later step depends on, by names for checkpoints. */
  readonly tensors: Readonly<Record<string, Tensor>>;
  /** Records one AdamW step: the parameters and the states move, unless the norm in stats says to skip it. */
  step(commands: Commands, options: AdamWOptions): void;
  dispose(): void;
}
