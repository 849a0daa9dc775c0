import type { Recipe } from '../base/config/recipe.ts';
import type { KernelChoices } from '../engine/gpu/choices.ts';
import type { Gpu } from '../engine/gpu/device.ts';
import type { Decoder } from '../engine/model/decoder/decoder.ts';
import type { Streaming } from '../engine/model/weights/streaming.ts';
import { dataShapes } from '../engine/train/largestBatch.ts';
import { prepareRun, type Preparation } from '../engine/train/prepare.ts';
import { chooseStreaming } from '../engine/train/streamingPlan.ts';
import type { LoadReports, OpenModel } from './openModel.ts';
import type { SplitRows } from './trainJob.ts';

/** A model's weights as a run needs them, with its kernels compiled meanwhile. Scratch memory of earlier jobs is freed. */
export async function loadForRun(
  gpu: Gpu,
  model: OpenModel,
  { recipe, rows, choices }: { recipe: Recipe; rows: SplitRows; choices: KernelChoices },
  reports: LoadReports = {},
): Promise<{ decoder: Decoder; preparation: Preparation; streaming: Streaming }> {
  const { files } = model;
  gpu.choices = choices;
  const data = dataShapes(rows);
  const streaming = await chooseStreaming(files, recipe, gpu, data);
  const { loaded: decoder, preparation } = await prepareRun(gpu, { files, recipe, data, streaming }, () =>
    model.decoderFor(gpu, recipe, streaming, reports),
  );
  // Scratch of earlier jobs may be larger than this run's.
  decoder.workspace.dispose();
  return { decoder, preparation, streaming };
}
