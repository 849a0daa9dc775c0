import type { Recipe } from '../config/recipe.ts';
import type { Commands } from '../gpu/commands.ts';
import type { Gpu } from '../gpu/device.ts';
import type { AdamWOptions } from '../kernels/adamW.ts';
import { STATE_BLOCK } from '../kernels/adamW8bit.ts';
import type { LoraAdapter } from '../model/loraAdapter.ts';
import { Adam32bitStates } from './adam32bitStates.ts';
import { Adam8bitStates, MIN_8BIT_SIZE } from './adam8bitStates.ts';

/** How m and v of AdamW are kept, by the recipe's names. */
export type OptimizerName = Recipe['optimizer'];

/** m and v of every parameter of an adapter, zero before the first step. */
export interface AdamStates {
  /** Records one AdamW step: the parameters and the states move, unless the norm in stats says to skip it. */
  step(commands: Commands, options: AdamWOptions): void;
  dispose(): void;
}

/** Fresh states for an adapter. */
export function createAdamStates(gpu: Gpu, adapter: LoraAdapter, optimizer: OptimizerName): AdamStates {
  return optimizer === 'adamw_8bit' ? new Adam8bitStates(gpu, adapter) : new Adam32bitStates(gpu, adapter);
}

/** Bytes of GPU buffers that `createAdamStates` makes. @param sizes elements of each A and B */
export function adamStateBytes(sizes: readonly number[], optimizer: OptimizerName): number {
  const blocksOf = (part: readonly number[]) =>
    part.reduce((sum, size) => sum + Math.ceil(size / STATE_BLOCK), 0);
  const f32Block = 2 * 4 * STATE_BLOCK;
  if (optimizer === 'adamw') return blocksOf(sizes) * f32Block;
  const small = blocksOf(sizes.filter((size) => size < MIN_8BIT_SIZE));
  const large = blocksOf(sizes.filter((size) => size >= MIN_8BIT_SIZE));
  // Besides the states, a block has its number in the flat buffer; in 8 bits two scales, and all share two maps.
  const maps = large > 0 ? 2 * 4 * 256 : 0;
  return small * (f32Block + 4) + large * (2 * STATE_BLOCK + 2 * 4 + 4) + maps;
}
