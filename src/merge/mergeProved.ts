import type { Gpu } from '../gpu/device.ts';
import { GraftError } from '../lib/errors.ts';
import type { MergeDestination } from './destination.ts';
import { writeMerge, type MergeOptions } from './mergeModel.ts';
import type { MergeJob } from './mergeJob.ts';
import { verifyMerge, type MergeProof } from './verifyMerge.ts';
import type { MergedFile } from './writtenMerge.ts';

export interface ProvedMergeOptions extends MergeOptions {
  /** Bytes read back and proved, of all. */
  onProving?(done: number, total: number): void;
}

/** A merged model and what its proof measured. */
export interface ProvedMerge {
  files: MergedFile[];
  proof: MergeProof;
}

/**
 * Writes the result of a merge, reads it back and proves it, and only then makes it a model. What cannot be proved is
 * removed; what is cancelled or fails otherwise is left for the same merge to go on with.
 * Throws what `writeMerge` and `verifyMerge` throw.
 */
export async function mergeProved(
  gpu: Gpu,
  job: MergeJob,
  destination: MergeDestination,
  options: ProvedMergeOptions,
): Promise<ProvedMerge> {
  const written = await writeMerge(gpu, job, destination, options);
  let proof;
  try {
    proof = await verifyMerge(gpu, job, written.folder, options.onProving, options.signal);
  } catch (error) {
    if (error instanceof GraftError && error.code === 'merge.proof_failed') await written.discard();
    else await written.leave();
    throw error;
  }
  await written.commit();
  return { files: written.files, proof };
}
