import type { Recipe } from '../../base/config/recipe.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { readFloats, upload } from '../gpu/transfer.ts';
import { GraftError } from '../../base/lib/errors.ts';
import type { MoveValues } from '../model/trained/loraLayout.ts';
import type { Growable, Trainable } from '../model/trained/trainable.ts';

type RankFields = Pick<Recipe, 'rank' | 'start_rank' | 'grow_steps'>;

/** The rank that step `step` (from 1) trains: it doubles every `grow_steps` until it is the recipe's. */
export function rankAt({ rank, start_rank, grow_steps }: RankFields, step: number): number {
  if (start_rank === 0) return rank;
  return Math.min(rank, start_rank * 2 ** Math.floor((step - 1) / grow_steps));
}

/**
 * The adapter whose rank grows in a run of this recipe, or null. Throws `train.growth_8bit`, since states in 8 bits have a scale
 * for neighbours that would no longer be neighbours.
 */
export function growing(adapter: Trainable, recipe: Recipe): Growable | null {
  if (rankAt(recipe, 1) === recipe.rank || !adapter.growable) return null;
  if (recipe.optimizer === 'adamw_8bit') throw new GraftError('train.growth_8bit');
  return adapter.growable;
}

/**
 * Gives an adapter another rank. What it computes does not change where the rank grows: new columns of B are zero, new rows
 * of A what they would have begun with.
 * @param values of its parameters; by default they are read
 * @returns moves values of the layout before to where they belong now
 */
export async function changeRank(
  adapter: Growable,
  rank: number,
  seed: number,
  values?: readonly Float32Array[],
): Promise<MoveValues> {
  const { gpu } = adapter;
  const before = adapter.rank;
  const known = values ?? (await readAll(gpu, adapter.params));
  const move = adapter.setRank(rank);
  writeAll(gpu, adapter.params, move(known));
  if (rank > before) adapter.initializeFrom(before, seed);
  return move;
}

/** Values of tensors, one after another. */
export async function readAll(gpu: Gpu, tensors: readonly Tensor[]): Promise<Float32Array<ArrayBuffer>[]> {
  const values: Float32Array<ArrayBuffer>[] = [];
  for (const tensor of tensors) values.push(await readFloats(gpu, tensor));
  return values;
}

export function writeAll(gpu: Gpu, tensors: readonly Tensor[], values: readonly Float32Array[]): void {
  tensors.forEach((tensor, i) => upload(gpu, tensor, values[i]!));
}
