import type { Recipe } from '../config/recipe.ts';
import type { GpuLimits } from '../gpu/dryGpu.ts';
import { GraftError } from '../lib/errors.ts';
import type { ModelFiles } from '../model/openModel.ts';
import type { DataShapes } from './largestBatch.ts';
import { planMemory } from './memoryPlan.ts';

/** With three slots reading is hidden wherever computing takes as long as reading; more gain nothing. */
const MOST_SLOTS = 3;

/**
 * How many blocks to hold on the GPU at once so that a run stays within a budget, the others on disk: as many as fit,
 * up to three. @param budget bytes of GPU memory in all
 * Throws `train.budget_too_small`, and what `planMemory` throws.
 */
export async function chooseSlots(
  files: ModelFiles,
  recipe: Recipe,
  limits: GpuLimits,
  data: DataShapes | null,
  budget: number,
): Promise<number> {
  let least = 0;
  for (let slots = Math.min(MOST_SLOTS, files.spec.layers); slots >= 1; slots--) {
    least = (await planMemory(files, recipe, limits, data, slots)).total;
    if (least <= budget) return slots;
  }
  throw new GraftError('train.budget_too_small', { least, budget });
}
