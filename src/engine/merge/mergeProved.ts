import type { Gpu } from '../gpu/device.ts';
import { GraftError } from '../../base/lib/errors.ts';
import type { Folder } from '../../base/storage/types.ts';
import type { MergeFolder } from './mergeFolder.ts';
import { finishedMerge } from './finishedMerge.ts';
import { provedAsItLies } from './folderState.ts';
import { writeMerge, type MergeOptions } from './mergeModel.ts';
import type { MergeJob } from './mergeJob.ts';
import { configFile } from './outputFiles.ts';
import { verifyMerge, type MergeProof } from './verifyMerge.ts';
import { verifyFinished, verifyWritten, type WrittenProof } from './verifyWritten.ts';
import type { MergedFile, WrittenMerge } from './writtenMerge.ts';

export interface ProvedMergeOptions extends MergeOptions {
  /** Reports bytes read back and verified, of the total. */
  onProving?(done: number, total: number): void;
}

/** A merged model and the measurements of its proof. */
export interface ProvedMerge<Proof> {
  files: MergedFile[];
  proof: Proof;
  /** Whether an earlier start had finished it: then nothing was written, and what is there was proved again. */
  alreadyFinished: boolean;
}

/**
 * Writes the result of a merge, reads it back and verifies it, and only then makes it a model. A merge that fails
 * verification is removed; one that is cancelled or fails otherwise is left for the same merge to resume; one that somebody
 * has changed since its proof began is refused. Throws what `writeMerge` and `verifyMerge` throw, and `merge.changed_since`.
 */
export function mergeProved(
  gpu: Gpu,
  job: MergeJob,
  destination: MergeFolder,
  options: ProvedMergeOptions,
): Promise<ProvedMerge<MergeProof>> {
  const { onProving, signal } = options;
  const finished = (folder: Folder) => verifyMerge(gpu, job, folder, onProving, signal);
  const written = ({ folder }: WrittenMerge) => finished(folder);
  return writeAndProve(gpu, job, destination, options, { written, finished });
}

/**
 * The same for a base that is read over a network: it is read once, plus some rows of its weights. What was written is
 * compared with the digests of what was computed. Throws what `writeMerge` and `verifyWritten` throw.
 */
export function mergeReadBack(
  gpu: Gpu,
  job: MergeJob,
  destination: MergeFolder,
  options: ProvedMergeOptions,
): Promise<ProvedMerge<WrittenProof>> {
  const { onProving, signal } = options;
  return writeAndProve(gpu, job, destination, options, {
    written: (merge) => verifyWritten(gpu, job, merge, onProving, signal),
    finished: (folder) => verifyFinished(gpu, job, folder, onProving, signal),
  });
}

/** The proof of a merge that has just been written, and of one that was finished before. */
interface Provers<Proof> {
  written(merge: WrittenMerge): Promise<Proof>;
  finished(folder: Folder): Promise<Proof>;
}

async function writeAndProve<Proof>(
  gpu: Gpu,
  job: MergeJob,
  destination: MergeFolder,
  options: ProvedMergeOptions,
  prove: Provers<Proof>,
): Promise<ProvedMerge<Proof>> {
  const earlier = await finishedMerge(gpu, job, destination, options.maxShardBytes, prove.finished);
  if (earlier) return { ...earlier, alreadyFinished: true };
  const written = await writeMerge(gpu, job, destination, options);
  // All but the last one: with it the folder becomes a model.
  const names = written.files.map(({ name }) => name).filter((name) => name !== configFile);
  let isCommitted = false;
  try {
    const proof = await provedAsItLies(
      destination,
      names,
      () => prove.written(written),
      async () => {
        await written.commit();
        isCommitted = true;
        await destination.checkOwner?.();
      },
    );
    return { files: written.files, proof, alreadyFinished: false };
  } catch (error) {
    const code = error instanceof GraftError ? error.code : null;
    if (code === 'merge.proof_failed') await written.discard();
    // What another has changed is no model that this merge stands for; what another owns is left alone.
    else if (isCommitted && code === 'merge.changed_since') await destination.remove(configFile);
    else await written.leave();
    throw error;
  }
}
