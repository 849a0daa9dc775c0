import { readCheckpointState, restore } from './checkpointState.ts';
import type { PeftAdapter } from '../../content/formats/peft.ts';
import type { Decoder } from '../model/decoder/decoder.ts';
import type { Trainable } from '../model/trained/trainable.ts';
import type { CheckpointData } from '../../content/runs/types.ts';
import { changeRank, rankAt } from './rankSchedule.ts';
import { startTraining } from './startTraining.ts';

/**
 * What a run had trained at a checkpoint, to be tried or exported: the adapter at its recipe's rank, or with method "full"
 * the parameters. Files that only a resume needs may be missing.
 * @param initial the adapter that the run began with, whose modules, ranks and scales hold; null for a fresh one
 * Throws `train.resume_unreadable`, and what `startTraining` throws.
 */
export async function trainedAt(
  decoder: Decoder,
  data: CheckpointData,
  initial: PeftAdapter | null = null,
): Promise<Trainable> {
  const { recipe, progress } = readCheckpointState(data);
  const trained = await startTraining(decoder, recipe, initial, { unused: 'restored' });
  try {
    const rank = rankAt(recipe, Math.max(1, progress.step));
    const grows = rank === recipe.rank ? null : trained.growable;
    grows?.setRank(rank);
    const params = new Map(trained.params.map((tensor, i) => [`parameters.${i}`, tensor]));
    await restore(decoder.gpu, params, { ...data, files: data.files.filter(({ name }) => params.has(name)) });
    if (grows) await changeRank(grows, recipe.rank, recipe.seed);
    return trained;
  } catch (error) {
    trained.dispose();
    throw error;
  }
}
