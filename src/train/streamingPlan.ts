import { defaultRecipe, type Recipe } from '../config/recipe.ts';
import type { GpuLimits } from '../gpu/dryGpu.ts';
import { GraftError } from '../lib/errors.ts';
import type { ModelFiles } from '../model/openModel.ts';
import { resident, type Streaming } from '../model/streaming.ts';
import type { DataShapes } from './largestBatch.ts';
import { planMemory, type MemoryPlan } from './memoryPlan.ts';

/** With three slots reading is hidden wherever computing takes as long as reading; more gain nothing. */
const MOST_SLOTS = 3;

/** A way to run a recipe, and what it takes. */
export interface StreamingRung {
  streaming: Streaming;
  memory: MemoryPlan;
}

/**
 * The ways to run a recipe, from everything on the GPU to the least memory: each takes longer than the one before, and
 * less memory. A slider goes from the last one's total to the first one's; `rungFor` says what a budget gets.
 * @param data shapes of the rows; null plans for rows of the maximal length
 * Throws what `planMemory` throws.
 */
export async function streamingRungs(
  files: ModelFiles,
  recipe: Recipe,
  limits: GpuLimits,
  data: DataShapes | null,
): Promise<StreamingRung[]> {
  const rungs: StreamingRung[] = [];
  for (const streaming of waysFor(files)) {
    const memory = await planMemory(files, recipe, limits, data, streaming);
    const least = rungs.at(-1)?.memory.total ?? Infinity;
    if (memory.total < least) rungs.push({ streaming, memory });
  }
  return rungs;
}

/** The fastest way within a budget, null where there is none. @param budget bytes of GPU memory; 0 for no limit */
export function rungFor(rungs: readonly StreamingRung[], budget: number): StreamingRung | null {
  return (budget === 0 ? rungs[0] : rungs.find(({ memory }) => memory.total <= budget)) ?? null;
}

/**
 * The plan of a recipe's run within its memory budget; where nothing fits, that of the least memory.
 * Throws what `planMemory` throws.
 */
export async function planRun(
  files: ModelFiles,
  recipe: Recipe,
  limits: GpuLimits,
  data: DataShapes | null,
): Promise<StreamingRung> {
  let least: StreamingRung | null = null;
  for (const streaming of waysFor(files)) {
    const memory = await planMemory(files, recipe, limits, data, streaming);
    if (recipe.memory_budget === 0 || memory.total <= recipe.memory_budget) return { streaming, memory };
    if (!least || memory.total < least.memory.total) least = { streaming, memory };
  }
  return least!;
}

/** What a run leaves on disk to stay within its recipe's memory budget. Throws `train.budget_too_small`. */
export async function chooseStreaming(
  files: ModelFiles,
  recipe: Recipe,
  limits: GpuLimits,
  data: DataShapes | null,
): Promise<Streaming> {
  const { memory_budget: budget } = recipe;
  if (budget === 0) return resident;
  const { streaming, memory } = await planRun(files, recipe, limits, data);
  if (memory.total > budget) throw new GraftError('train.budget_too_small', { least: memory.total, budget });
  return streaming;
}

/** Every way, by the time a step takes. */
function waysFor({ spec }: ModelFiles): Streaming[] {
  const ways = [resident];
  for (let slots = Math.min(MOST_SLOTS, spec.layers); slots >= 1; slots--) ways.push({ ...resident, slots });
  return ways;
}

/** Tokens of a prompt that an answer is planned for; prompts go through the model in pieces of at most so many. */
const PROMPT = 512;

/** What answering leaves on disk to stay within a memory budget: blocks and the vocabulary, where all do not fit. */
export async function streamingForAnswers(
  files: ModelFiles,
  recipe: Pick<Recipe, 'method' | 'double_quant' | 'dtype' | 'memory_budget'>,
  limits: GpuLimits,
): Promise<Streaming> {
  const { memory_budget: budget } = recipe;
  if (budget === 0) return resident;
  // An adapter of usual size and a prompt stand for what comes besides the model.
  const run: Recipe = { ...defaultRecipe(), ...recipe, batch_size: 1, max_length: PROMPT };
  const { streaming } = await planRun(files, run, limits, null);
  return { ...streaming, spill: false };
}
