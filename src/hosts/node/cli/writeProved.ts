import type { Gpu } from '../../../engine/gpu/device.ts';
import type { MergeFolder } from '../../../engine/merge/mergeFolder.ts';
import type { MergeJob } from '../../../engine/merge/mergeJob.ts';
import { mergeProved, mergeReadBack, type ProvedMergeOptions } from '../../../engine/merge/mergeProved.ts';
import { bytesText } from './downloadReporter.ts';
import { log } from './terminal.ts';

/** What is said of a merge that an earlier start has finished. */
export const finishedText = 'Already finished: read back and proved again, nothing was written.';

/** Says on stderr that a merge continues one that was cut off. */
export const mergeReports: Pick<ProvedMergeOptions, 'onContinue'> = {
  onContinue: (bytes) => log(`Resuming an unfinished merge: ${bytesText(bytes)} are written.`),
};

/**
 * Writes the result of a merge and proves it; what cannot be proved is removed. One that was cut off continues, and one
 * that was finished is proved again: stderr says so.
 * @param readOnce whether the base is read over a network: see `mergeReadBack`
 */
export async function writeProved(
  gpu: Gpu,
  job: MergeJob,
  out: MergeFolder,
  maxShardBytes: number,
  readOnce = false,
) {
  const write = readOnce ? mergeReadBack : mergeProved;
  const { files, proof, alreadyFinished } = await write(gpu, job, out, { maxShardBytes, ...mergeReports });
  if (alreadyFinished) log(finishedText);
  return { files: files.map(({ name, size }) => ({ name, size })), proof };
}
