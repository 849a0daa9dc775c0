import type { Gpu } from '../gpu/device.ts';
import { GraftError } from '../lib/errors.ts';
import type { MergeDestination } from './destination.ts';
import { writeMerge, type MergeOptions } from './mergeModel.ts';
import type { MergeJob } from './mergeJob.ts';
import { verifyMerge, type MergeProof } from './verifyMerge.ts';
import { verifyWritten, type WrittenProof } from './verifyWritten.ts';
import type { MergedFile, WrittenMerge } from './writtenMerge.ts';

export interface ProvedMergeOptions extends MergeOptions {
  /** Bytes read back and proved, of all. */
  onProving?(done: number, total: number): void;
}

/** A merged model and what its proof measured. */
export interface ProvedMerge<Proof> {
  files: MergedFile[];
  proof: Proof;
}

/**
 * Writes the result of a merge, reads it back and proves it, and only then makes it a model. What cannot be proved is
 * removed; what is cancelled or fails otherwise is left for the same merge to go on with.
 * Throws what `writeMerge` and `verifyMerge` throw.
 */
export function mergeProved(
  gpu: Gpu,
  job: MergeJob,
  destination: MergeDestination,
  options: ProvedMergeOptions,
): Promise<ProvedMerge<MergeProof>> {
  const { onProving, signal } = options;
  const prove = ({ folder }: WrittenMerge) => verifyMerge(gpu, job, folder, onProving, signal);
  return writeAndProve(gpu, job, destination, options, prove);
}

/**
 * The same for a base that is read over a network: it is read once, and of its weights only some rows again. What was
 * written is compared with the digests of what was computed. Throws what `writeMerge` and `verifyWritten` throw.
 */
export function mergeReadBack(
  gpu: Gpu,
  job: MergeJob,
  destination: MergeDestination,
  options: ProvedMergeOptions,
): Promise<ProvedMerge<WrittenProof>> {
  const { onProving, signal } = options;
  const prove = (written: WrittenMerge) => verifyWritten(gpu, job, written, onProving, signal);
  return writeAndProve(gpu, job, destination, options, prove);
}

async function writeAndProve<Proof>(
  gpu: Gpu,
  job: MergeJob,
  destination: MergeDestination,
  options: ProvedMergeOptions,
  prove: (written: WrittenMerge) => Promise<Proof>,
): Promise<ProvedMerge<Proof>> {
  const written = await writeMerge(gpu, job, destination, options);
  let proof;
  try {
    proof = await prove(written);
  } catch (error) {
    if (error instanceof GraftError && error.code === 'merge.proof_failed') await written.discard();
    else await written.leave();
    throw error;
  }
  await written.commit();
  return { files: written.files, proof };
}
