import type { Gpu } from '../gpu/device.ts';
import type { MergeJob } from '../merge/mergeJob.ts';
import { mergeModel } from '../merge/mergeModel.ts';
import { verifyMerge } from '../merge/verifyMerge.ts';
import type { WritableFolder } from '../storage/types.ts';

/** Writes the result of a merge, reads it back and proves it; what cannot be proved is removed again. */
export async function writeProved(gpu: Gpu, job: MergeJob, out: WritableFolder, maxShardBytes: number) {
  const files = await mergeModel(gpu, job, out, { maxShardBytes });
  const proof = await verifyMerge(gpu, job, out).catch(async (error: unknown) => {
    for (const { name } of files) await out.remove(name);
    throw error;
  });
  return { files, proof };
}
