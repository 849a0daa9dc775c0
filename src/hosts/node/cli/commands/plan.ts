import type { GpuLimits } from '../../../../engine/gpu/dryGpu.ts';
import { fitRecipe } from '../../../../engine/train/fitRecipe.ts';
import { dataShapes } from '../../../../engine/train/largestBatch.ts';
import { measureMemory } from '../../../../engine/train/memoryPlan.ts';
import { planRun } from '../../../../engine/train/streamingPlan.ts';
import { openModelHeaders, type ModelFiles } from '../../../../engine/model/spec/openModel.ts';
import { command } from '../command.ts';
import { readRecipeRows } from '../dataset.ts';
import { checkHubAccess } from '../hubAccess.ts';
import { readInPlace } from '../hubModel.ts';
import { bytes, flag } from '../options.ts';
import { readRecipe, withObjective } from '../recipe.ts';
import { modelOptions, objectiveOption, optionalData, recipeOption } from '../commonOptions.ts';
import { openModelOf, withSession } from '../withSession.ts';
import { printText } from '../terminal.ts';

/** What a plan without a GPU assumes: the largest binding most adapters have, and f16. */
const usual: GpuLimits = { maxBinding: 2 ** 31 - 4, hasF16: true, description: 'no GPU' };

export const plan = command(
  'plan',
  'Prints as JSON the bytes of GPU memory that training by a recipe takes, by part, from the model’s headers alone; with a budget, what to change for it. Without data, rows are as long as the recipe allows.',
  {
    ...modelOptions,
    data: optionalData,
    recipe: recipeOption,
    objective: objectiveOption,
    budget: bytes('Training', null, 'Proposes changes to a recipe that takes more.'),
    measure: flag('Training', 'Runs a step on the GPU and compares.'),
  },
  async (options, usage) => {
    const { data, budget } = options;
    checkHubAccess(options, usage, [options.model, data]);
    const given = await readRecipe(options.recipe);
    const recipe = withObjective(given.recipe, options.objective);
    const rowsOf = async (files: ModelFiles) =>
      data === undefined ? null : readRecipeRows(data, options, files, recipe);
    const report = async (files: ModelFiles, limits: GpuLimits, rows: Awaited<ReturnType<typeof rowsOf>>) => {
      const shapes = rows && dataShapes(rows);
      const { memory, streaming } = await planRun(files, recipe, limits, shapes);
      const fit = budget === null ? null : await fitRecipe(files, recipe, limits, shapes, budget);
      return {
        plan: memory,
        ...(recipe.memory_budget > 0 && { streaming }),
        ...(fit && { fit: { budget, fits: fit.fits, proposals: fit.proposals } }),
      };
    };
    const print = (found: object) => printText(JSON.stringify(found, null, 2));
    if (!options.measure) {
      const files = await readInPlace(options, openModelHeaders);
      return print(await report(files, usual, await rowsOf(files)));
    }
    await withSession(async (session) => {
      const { files } = await openModelOf(session, options);
      const rows = await rowsOf(files);
      const gpu = await session.gpu();
      const planned = await report(files, gpu, rows);
      const spill = await session.host.spillFolder();
      const measured = await measureMemory(gpu, files, recipe, rows, planned.streaming, spill);
      print({ ...planned, measured, ratio: planned.plan.total / measured.total });
    });
  },
);
