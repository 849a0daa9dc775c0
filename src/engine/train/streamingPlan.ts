import { defaultRecipe, type Recipe } from '../../base/config/recipe.ts';
import type { GpuLimits } from '../gpu/dryGpu.ts';
import { GraftError } from '../../base/lib/errors.ts';
import type { ModelFiles } from '../model/spec/openModel.ts';
import { resident, streams, type Streaming } from '../model/weights/streaming.ts';
import type { DataShapes } from './largestBatch.ts';
import { planMemory, type MemoryPlan } from './memoryPlan.ts';

/** A way to run a recipe, and its memory. */
export interface OffloadLevel {
  streaming: Streaming;
  memory: MemoryPlan;
}

/**
 * The ways to run a recipe, from everything on the GPU to the least memory: each takes longer than the one before, and
 * less memory. A slider goes from the last one's total to the first one's; `pickLevel` says what a budget gets.
 * @param data shapes of the rows; null plans for rows of the maximal length
 * Throws what `planMemory` throws.
 */
export async function offloadLevels(
  files: ModelFiles,
  recipe: Recipe,
  limits: GpuLimits,
  data: DataShapes | null,
): Promise<OffloadLevel[]> {
  const first = { streaming: resident, memory: await planMemory(files, recipe, limits, data) };
  const levels = [first];
  for (const streaming of slowerWays(files, recipe, first.memory)) {
    const memory = await planMemory(files, recipe, limits, data, streaming);
    if (memory.total < levels.at(-1)!.memory.total) levels.push({ streaming, memory });
  }
  return levels;
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
): Promise<OffloadLevel> {
  const { memory_budget: budget } = recipe;
  const first = { streaming: resident, memory: await planMemory(files, recipe, limits, data) };
  if (budget === 0 || first.memory.total <= budget) return first;
  const ways = slowerWays(files, recipe, first.memory);
  // The smallest first: where not even they fit, the others need not be looked at.
  const fewest = Math.min(...ways.map(({ slots }) => slots ?? Infinity));
  const small: OffloadLevel[] = [];
  for (const streaming of ways.filter(({ slots }) => (slots ?? Infinity) === fewest)) {
    small.push({ streaming, memory: await planMemory(files, recipe, limits, data, streaming) });
  }
  const least = small.reduce((a, b) => (b.memory.total < a.memory.total ? b : a), first);
  if (least.memory.total > budget) return least;
  for (const streaming of ways) {
    const level = small.find((other) => other.streaming === streaming) ?? {
      streaming,
      memory: await planMemory(files, recipe, limits, data, streaming),
    };
    if (level.memory.total <= budget) return level;
  }
  return least;
}

/** What a run leaves on disk to stay within its recipe's memory budget. Throws `train.budget_too_small`, `train.full_budget`. */
export async function chooseStreaming(
  files: ModelFiles,
  recipe: Recipe,
  limits: GpuLimits,
  data: DataShapes | null,
): Promise<Streaming> {
  const { memory_budget: budget } = recipe;
  if (budget === 0) return resident;
  const { streaming, memory } = await planRun(files, recipe, limits, data);
  const code = recipe.method === 'full' ? 'train.full_budget' : 'train.budget_too_small';
  if (memory.total > budget) throw new GraftError(code, { least: memory.total, budget });
  return streaming;
}

/** Every way but the first, by the time a step takes: what it reads and writes. @param whole with nothing on disk */
function slowerWays({ spec, checkpoint }: ModelFiles, recipe: Recipe, whole: MemoryPlan): Streaming[] {
  // What is trained itself is needed all the time.
  if (recipe.method === 'full') return [];
  const { names, layers, hiddenSize, tied } = spec;
  const bytesUnder = (path: string) =>
    [...checkpoint.tensors].reduce(
      (sum, [name, { info }]) => (name.startsWith(`${path}.`) ? sum + info.end - info.begin : sum),
      0,
    );
  const blocks = bytesUnder(names.blocks);
  const head = bytesUnder(tied ? names.embedding : names.head);
  const inputs = 4 * hiddenSize * layers * whole.tokens * recipe.grad_accum;
  const time = ({ slots, ends, spill }: Streaming) =>
    // Each is needed twice a step.
    blocks * (slots === null ? 0 : (waiting[slots] ?? 1)) + head * Number(ends) + inputs * Number(spill);
  const ways: Streaming[] = [];
  for (const slots of [null, 3, 2, 1]) {
    if (slots !== null && slots >= layers) continue;
    for (const ends of [false, true]) {
      for (const spill of [false, true]) ways.push({ slots, ends, spill });
    }
  }
  return ways.filter(streams).sort((a, b) => time(a) - time(b));
}

/**
 * How long a block's bytes take by the number of slots. With three reading is hidden wherever computing takes as long,
 * two leave less to even out, and one leaves reading only what the upload ring holds ahead.
 */
const waiting: Record<number, number> = { 1: 1.5, 2: 1.1, 3: 1 };

/** Tokens of a prompt that an answer is planned for; prompts go through the model in pieces of at most so many. */
const PROMPT = 512;

/** What answering leaves on disk to stay within a memory budget: blocks and the vocabulary, where all do not fit. */
export async function streamingForAnswers(
  files: ModelFiles,
  recipe: Pick<Recipe, 'method' | 'double_quant' | 'head' | 'dtype' | 'memory_budget'>,
  limits: GpuLimits,
): Promise<Streaming> {
  const { memory_budget: budget } = recipe;
  if (budget === 0) return resident;
  // An adapter of usual size and a prompt stand for what comes besides the model.
  const method = recipe.method === 'full' ? 'lora' : recipe.method;
  const run: Recipe = { ...defaultRecipe(), ...recipe, method, batch_size: 1, max_length: PROMPT };
  const { streaming } = await planRun(files, run, limits, null);
  return { ...streaming, spill: false };
}
