import { readTrainState, restore } from './trainState.ts';
import type { Decoder } from '../model/decoder.ts';
import { LoraAdapter } from '../model/loraAdapter.ts';
import type { Trainable } from '../model/trainable.ts';
import type { CheckpointData } from '../runs/types.ts';
import { changeRank, rankAt } from './rankSchedule.ts';
import { startTraining } from './startTraining.ts';

/**
 * What a run had trained by a checkpoint, to be tried or exported: the adapter at its recipe's rank, or with method "full"
 * the parameters. Files that only going on needs may be missing.
 * Throws `train.resume_unreadable`, and what `startTraining` throws.
 */
export async function trainedAt(decoder: Decoder, data: CheckpointData): Promise<Trainable> {
  const { recipe, progress } = readTrainState(data);
  const trained = await startTraining(decoder, recipe);
  try {
    const rank = rankAt(recipe, Math.max(1, progress.step));
    const grows = rank !== recipe.rank && trained instanceof LoraAdapter;
    if (grows) trained.setRank(rank);
    const params = new Map(trained.params.map((tensor, i) => [`parameters.${i}`, tensor]));
    await restore(decoder.gpu, params, { ...data, files: data.files.filter(({ name }) => params.has(name)) });
    if (grows) await changeRank(trained, recipe.rank, recipe.seed);
    return trained;
  } catch (error) {
    trained.dispose();
    throw error;
  }
}
