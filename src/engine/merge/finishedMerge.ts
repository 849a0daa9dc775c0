import { sameBytes } from '../../base/storage/pieceJournal.ts';
import { GraftError } from '../../base/lib/errors.ts';
import type { Folder } from '../../base/storage/types.ts';
import type { Gpu } from '../gpu/device.ts';
import { provedAsItLies } from './folderState.ts';
import type { MergeFolder } from './mergeFolder.ts';
import { checkMergeJob, type MergeJob } from './mergeJob.ts';
import { journalFile } from './mergeJournal.ts';
import { configFile, planFiles } from './outputFiles.ts';
import { planOutput } from './outputPlan.ts';
import { proofFailed } from './proofFailed.ts';
import { compareFiles } from './verifyMerge.ts';
import type { MergedFile } from './writtenMerge.ts';

/**
 * The result of a merge that was finished before, proved once more; null where the destination holds no model. No
 * record says which merge a folder is of: names, headers and files are compared with the plan, then `prove` reads
 * everything back. The journal that a start cut off at its very end has left is removed.
 * Throws `merge.other_model` where the model is not this merge's, `merge.changed_since`, and what planning and `prove` throw.
 */
export async function finishedMerge<Proof>(
  gpu: Gpu,
  job: MergeJob,
  destination: MergeFolder,
  maxShardBytes: number,
  prove: (folder: Folder) => Promise<Proof>,
): Promise<{ files: MergedFile[]; proof: Proof } | null> {
  const present = await destination.list();
  if (!present.includes(configFile)) return null;
  const hasJournal = present.includes(journalFile);
  try {
    const files = await findFiles(gpu, job, destination, maxShardBytes);
    const proof = await provedAsItLies(
      destination,
      files.map(({ name }) => name),
      () => prove(destination),
      async () => {
        if (hasJournal) await destination.remove(journalFile);
        await destination.checkOwner?.();
      },
    );
    return { files, proof };
  } catch (error) {
    if (!(error instanceof GraftError) || error.code !== 'merge.proof_failed') throw error;
    // Power may be lost when config.json is on disk and a file before it is not: the same merge writes that again.
    if (hasJournal) return null;
    throw otherModel(destination, String(error.params.detail));
  }
}

/** The error of a destination with a model in it that is not what the merge makes; `detail` says where it differs. */
export function otherModel({ name }: Folder, detail: string): GraftError {
  return new GraftError('merge.other_model', { folder: name, detail });
}

/** Compares the files with the plan, all but the data of the tensors. Throws `merge.proof_failed`. */
async function findFiles(
  gpu: Gpu,
  job: MergeJob,
  folder: Folder,
  maxShardBytes: number,
): Promise<MergedFile[]> {
  checkMergeJob(job);
  const plan = await planOutput(gpu, job);
  const { shards, index, names } = planFiles(plan, maxShardBytes);
  const present = await folder.list();
  const missing = names.find((name) => !present.includes(name));
  if (missing !== undefined) throw proofFailed(`the file “${missing}” is missing`);
  const extra = present.find((name) => name.endsWith('.safetensors') && !names.includes(name));
  if (extra !== undefined) throw proofFailed(`the file “${extra}” is not part of it`);
  for (const { file, layout } of shards) {
    const source = await folder.open(file);
    const { header, totalBytes } = layout;
    const isSame = source.size === totalBytes && sameBytes(await source.read(0, header.byteLength), header);
    if (!isSame) throw proofFailed(`the header of “${file}” differs`);
  }
  await compareFiles(index ? [...plan.files, index] : plan.files, job.base.folder, folder);
  const sizeOf = async (name: string) => ({ name, size: (await folder.open(name)).size, crc: null });
  return Promise.all(names.map(sizeOf));
}
