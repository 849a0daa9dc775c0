import type { Recipe } from '../config/recipe.ts';
import type { Commands } from '../gpu/commands.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Tensor } from '../gpu/tensor.ts';
import type { AdamWOptions } from '../kernels/adamW.ts';
import type { Segment } from '../model/parameters.ts';
import { Adam32bitStates } from './adam32bitStates.ts';
import { Adam8bitStates } from './adam8bitStates.ts';

/** How m and v of AdamW are kept, by the recipe's names. */
export type OptimizerName = Recipe['optimizer'];

/** m and v of every parameter of a buffer, zero before the first step. */
export interface AdamStates {
  /** All that a later step depends on, by names for checkpoints. */
  readonly tensors: Readonly<Record<string, Tensor>>;
  /** Records one AdamW step: the parameters and the states move, unless the norm in stats says to skip it. */
  step(commands: Commands, options: AdamWOptions): void;
  dispose(): void;
}

/** Fresh states for a buffer of parameters. */
export function createAdamStates(gpu: Gpu, segment: Segment, optimizer: OptimizerName): AdamStates {
  return optimizer === 'adamw_8bit' ? new Adam8bitStates(gpu, segment) : new Adam32bitStates(gpu, segment);
}
