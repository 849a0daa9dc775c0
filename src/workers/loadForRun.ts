import type { Recipe } from '../config/recipe.ts';
import type { TokenRows } from '../data/tokenRows.ts';
import type { KernelChoices } from '../gpu/choices.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Decoder } from '../model/decoder.ts';
import { dataShapes } from '../train/largestBatch.ts';
import { prepareRun, type Preparation } from '../train/prepare.ts';
import { chooseStreaming } from '../train/streamingPlan.ts';
import type { LoadReports, OpenedModel } from './openedModel.ts';

/** The open model's weights as a run wants them, while its kernels are compiled. Scratch of earlier jobs is given back. */
export async function loadForRun(
  gpu: Gpu,
  model: OpenedModel,
  {
    recipe,
    rows,
    choices,
  }: {
    recipe: Recipe;
    rows: { train: TokenRows; evaluation: TokenRows | null };
    choices: KernelChoices;
  },
  reports: LoadReports,
): Promise<{ decoder: Decoder; preparation: Preparation }> {
  const { files } = model;
  gpu.choices = choices;
  const data = dataShapes(rows);
  const streaming = await chooseStreaming(files, recipe, gpu, data);
  const { loaded: decoder, preparation } = await prepareRun(gpu, { files, recipe, data, streaming }, () =>
    model.decoderFor(gpu, recipe, streaming, reports),
  );
  // Scratch of earlier jobs may be larger than this run's.
  decoder.workspace.dispose();
  return { decoder, preparation };
}
