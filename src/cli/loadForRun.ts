import type { Recipe } from '../config/recipe.ts';
import type { TokenRows } from '../data/tokenRows.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Decoder } from '../model/decoder.ts';
import { activationType, openDecoder, quantizationOf } from '../model/openDecoder.ts';
import type { ModelFiles } from '../model/openModel.ts';
import type { Streaming } from '../model/streaming.ts';
import { dataShapes } from '../train/largestBatch.ts';
import { prepareRun, type Preparation } from '../train/prepare.ts';
import { chooseStreaming } from '../train/streamingPlan.ts';
import { derivedFor } from './derivedCache.ts';
import { spillFolder } from './spillFolder.ts';

/**
 * A model's weights as a recipe wants them, while its kernels are compiled.
 * @param choice the model as the command line names it
 */
export async function loadForRun(
  gpu: Gpu,
  choice: { model: string },
  files: ModelFiles,
  recipe: Recipe,
  rows: { train: TokenRows; evaluation: TokenRows | null },
): Promise<{ decoder: Decoder; preparation: Preparation; streaming: Streaming }> {
  const data = dataShapes(rows);
  const streaming = await chooseStreaming(files, recipe, gpu, data);
  const { loaded: decoder, preparation } = await prepareRun(gpu, { files, recipe, data, streaming }, () =>
    openDecoder(gpu, files, activationType(gpu, recipe.dtype), {
      ...{ quantize: quantizationOf(recipe), streaming },
      ...{ spillFolder: spillFolder(), derived: derivedFor(choice) },
    }),
  );
  return { decoder, preparation, streaming };
}
