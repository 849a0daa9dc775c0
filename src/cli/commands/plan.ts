import { readingOf } from '../../data/reading.ts';
import { splitDataset } from '../../data/split.ts';
import { loadTokenizer } from '../../data/tokenizer.ts';
import type { TokenRows } from '../../data/tokenRows.ts';
import type { GpuLimits } from '../../gpu/dryGpu.ts';
import { openModelHeaders } from '../../model/openModel.ts';
import type { DecoderSpec } from '../../model/spec.ts';
import type { Folder } from '../../storage/types.ts';
import { fitRecipe } from '../../train/fitRecipe.ts';
import { dataShapes, rowLimit } from '../../train/largestBatch.ts';
import { measureMemory } from '../../train/memoryPlan.ts';
import { planRun } from '../../train/streamingPlan.ts';
import { readDataset } from '../dataset.ts';
import type { HubAccess } from '../hubAccess.ts';
import { modelChoice, modelFlags, readInPlace, modelOptions } from '../hubModel.ts';
import { Options } from '../options.ts';
import { readRecipe } from '../recipe.ts';
import { openModelAt, withGpu } from '../session.ts';
import { spillFolder } from '../spillFolder.ts';
import type { Recipe } from '../../config/recipe.ts';

export const usage =
  'plan --model DIR [--recipe FILE.json] [--data FILE] [--budget SIZE] [--measure]   (SIZE such as 8GB or 6GiB)';

/** What a plan without a GPU takes for granted: the largest binding most adapters have, and f16. */
const usual: GpuLimits = { maxBinding: 2 ** 31 - 4, hasF16: true, description: 'no GPU' };

/**
 * Prints as JSON the bytes of GPU memory that training by a recipe takes, by part, from the model's headers alone;
 * with a budget, what to change for it; with --measure, what a step on the GPU took. Without data, rows are as long as
 * the recipe allows.
 */
export async function run(args: string[]): Promise<void> {
  const options = new Options(
    args,
    usage,
    [...modelOptions, 'recipe', 'data', 'budget'],
    ['measure', ...modelFlags],
  );
  const model = modelChoice(options, usage);
  const dataPath = options.optional('data');
  const budget = options.bytes('budget');
  const measure = options.flag('measure');
  const { recipe } = await readRecipe(options.optional('recipe'));
  const files = await (measure ? openModelAt(model) : readInPlace(model, openModelHeaders));
  const rows = dataPath === undefined ? null : await readRows(dataPath, model, recipe, files);
  const shapes = rows && dataShapes(rows);
  const report = async (limits: GpuLimits) => {
    const { memory: plan, streaming } = await planRun(files, recipe, limits, shapes);
    return {
      plan,
      ...(recipe.memory_budget > 0 && { streaming }),
      ...(budget !== null && { fit: await fit(limits, budget) }),
    };
  };
  const fit = async (limits: GpuLimits, bytes: number) => {
    const { fits, proposals } = await fitRecipe(files, recipe, limits, shapes, bytes);
    return { budget: bytes, fits, proposals };
  };
  if (!measure) return print(await report(usual));
  await withGpu(async (gpu) => {
    const planned = await report(gpu);
    const measured = await measureMemory(gpu, files, recipe, rows, planned.streaming, spillFolder());
    print({ ...planned, measured, ratio: planned.plan.total / measured.total });
  });
}

async function readRows(
  path: string,
  access: HubAccess,
  recipe: Recipe,
  { folder, spec }: { folder: Folder; spec: DecoderSpec },
): Promise<{ train: TokenRows; evaluation: TokenRows | null }> {
  const dataset = await readDataset(path, access, {
    tokenizer: await loadTokenizer(folder),
    reading: readingOf(recipe),
    maxLength: rowLimit(recipe, spec.maxPositions),
    vocabSize: spec.vocabSize,
  });
  return splitDataset(dataset, recipe.eval_fraction, recipe.seed);
}

function print(report: object): void {
  console.log(JSON.stringify(report, null, 2));
}
