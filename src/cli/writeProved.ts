import type { Gpu } from '../gpu/device.ts';
import type { MergeDestination } from '../merge/destination.ts';
import type { MergeJob } from '../merge/mergeJob.ts';
import { mergeProved, mergeReadBack } from '../merge/mergeProved.ts';
import { bytesText } from './downloadReporter.ts';

/**
 * Writes the result of a merge and proves it. One that was cut off goes on where it was, which is told on stderr; what
 * cannot be proved is removed again.
 * @param readOnce whether the base is read over a network: see `mergeReadBack`
 */
export async function writeProved(
  gpu: Gpu,
  job: MergeJob,
  out: MergeDestination,
  maxShardBytes: number,
  readOnce = false,
) {
  const { files, proof } = await (readOnce ? mergeReadBack : mergeProved)(gpu, job, out, {
    maxShardBytes,
    onContinue: (bytes) => console.error(`Going on with ${bytesText(bytes)} of an unfinished merge.`),
  });
  return { files: files.map(({ name, size }) => ({ name, size })), proof };
}
