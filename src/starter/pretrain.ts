import { defaultRecipe, type Recipe } from '../config/recipe.ts';
import { loadTokenizer } from '../data/tokenizer.ts';
import { readFloats } from '../gpu/transfer.ts';
import type { Gpu } from '../gpu/device.ts';
import { GraftError } from '../lib/errors.ts';
import { FullParameters } from '../model/fullParameters.ts';
import { closeDecoder, openDecoder } from '../model/openDecoder.ts';
import { openModelFiles } from '../model/openModel.ts';
import type { WritableFolder } from '../storage/types.ts';
import { train, type StepReport } from '../train/trainer.ts';
import { corpusTokens, starterBpe } from './corpusTokens.ts';
import { sizes, starterConfig, writeModel, writeNewModel, type FloatTensor } from './newModel.ts';
import { specialIds, writeTokenizer } from './tokenizerFiles.ts';
import { corpusRows } from './world/corpus.ts';

/** Seed of corpus, first weights and order of rows. */
export const SEED = 1;

/** How the starter model is pretrained. */
export function starterRecipe(steps: number, lr: number): Recipe {
  return {
    ...defaultRecipe(),
    method: 'full',
    lr,
    max_steps: steps,
    batch_size: 4,
    max_length: sizes.max_position_embeddings,
    packing: true,
    mask: 'all',
    schedule: 'cosine',
    warmup_steps: 60,
    weight_decay: 0.1,
    beta2: 0.98,
    max_grad_norm: 1,
    seed: SEED,
    dtype: 'f32',
  };
}

/** Rows enough for `steps` of packed batches, each read once. */
export function rowsFor(steps: number): number {
  // A row has 60 tokens on the average, a step 2048.
  return Math.ceil((steps * 2048) / 58);
}

export interface PretrainOptions {
  recipe: Recipe;
  /** Where tokenizer and model go. */
  folder: WritableFolder;
  /** Steps between two versions of the weights that are written on the way. */
  saveSteps: number;
  onStep(report: StepReport): void;
}

/**
 * Makes the starter model from nothing: corpus, vocabulary, random weights, and every parameter trained.
 * Throws what training and the folder throw.
 */
export async function pretrain(
  gpu: Gpu,
  { recipe, folder, saveSteps, onStep }: PretrainOptions,
): Promise<void> {
  const rows = corpusRows(SEED, rowsFor(recipe.max_steps));
  const bpe = starterBpe(rows);
  const ids = specialIds(bpe);
  await writeTokenizer(folder, bpe, sizes.max_position_embeddings);
  await writeNewModel(folder, ids.count, ids, SEED);
  const tokenizer = await loadTokenizer(folder);
  if (!tokenizer) throw new GraftError('infer.no_tokenizer');
  const dataset = corpusTokens(tokenizer, rows);
  const decoder = await openDecoder(gpu, await openModelFiles(folder), 'f32');
  const trained = new FullParameters(gpu, decoder.spec);
  try {
    await trained.copyModel(decoder);
    let saving = Promise.resolve();
    const save = () => {
      // Read as they are now: the copies are submitted before the next update.
      const tensors = readTensors(gpu, trained);
      saving = saving.then(async () => writeModel(folder, starterConfig(ids.count, ids), ids, await tensors));
    };
    await train({
      ...{ decoder, adapter: trained, recipe, dataset, evalDataset: null },
      onStep: (report) => {
        onStep(report);
        if (report.step % saveSteps === 0 && report.step < report.totalSteps) save();
      },
      onEval: () => undefined,
      shouldStop: () => false,
    });
    save();
    await saving;
  } finally {
    trained.dispose();
    closeDecoder(decoder);
  }
}

/** All parameters, off the GPU. */
function readTensors(gpu: Gpu, trained: FullParameters): Promise<FloatTensor[]> {
  return Promise.all(
    trained.tensors.map(async ({ name, rows, cols, weight }) => {
      const parts = await Promise.all(weight(trained.params).chunks.map(({ data }) => readFloats(gpu, data)));
      const values = new Float32Array(rows * cols);
      let at = 0;
      for (const part of parts) {
        values.set(part, at);
        at += part.length;
      }
      return { name, shape: rows === 1 ? [cols] : [rows, cols], values };
    }),
  );
}
