import type { EndToken } from '../data/turnEnd.ts';
import type { Gpu } from '../gpu/device.ts';
import { openModelFiles } from '../model/openModel.ts';
import { checkRows } from './checkRows.ts';
import type { MergeJob } from './mergeJob.ts';
import { planOutput } from './outputPlan.ts';
import { stoppableFiles, stoppableFolder } from './stoppable.ts';
import { changedTensors, compareFiles, compareHeaders, weightOf } from './verifyMerge.ts';
import type { WrittenMerge } from './writtenMerge.ts';

/** What the proof has looked at. It throws rather than return when something does not hold. */
export interface WrittenProof {
  tensors: number;
  changedTensors: number;
  bytes: number;
  /** Tokens that end answers and that generation_config.json did not name before. */
  addedEnds: EndToken[];
  /** Rows of every merged matrix were computed in f64 and compared; logits were not: they take the whole base. */
  proof: 'read back, rows in f64';
}

/**
 * Proves a written model without reading its base a second time: every byte is what was computed, by its digest; names,
 * order, shapes, dtypes, config and tokenizer files are as planned; some rows of each computed matrix are, in f64 on
 * the CPU, W + scale · B · A. Throws `merge.proof_failed`, `merge.cancelled`.
 */
export async function verifyWritten(
  gpu: Gpu,
  mergeJob: MergeJob,
  written: WrittenMerge,
  onProgress?: (done: number, total: number) => void,
  signal?: AbortSignal,
): Promise<WrittenProof> {
  const output = stoppableFolder(written.folder, signal);
  const job = { ...mergeJob, base: stoppableFiles(mergeJob.base, signal) };
  const files = await openModelFiles(output);
  try {
    const plan = await planOutput(gpu, job);
    compareHeaders(plan, files);
    await compareFiles(plan, job.base.folder, output);
    await written.compareDigests(output, (done) => onProgress?.(done, plan.totalBytes));
    for (const tensor of plan.tensors) {
      if (tensor.matrix?.source.module === weightOf(tensor)) await checkRows(gpu, tensor.matrix, files);
    }
    return {
      tensors: plan.tensors.length,
      changedTensors: changedTensors(plan),
      bytes: plan.totalBytes,
      addedEnds: plan.addedEnds,
      proof: 'read back, rows in f64',
    };
  } finally {
    // A file that is kept open cannot be changed or removed.
    await files.checkpoint.release();
    await job.base.checkpoint.release();
  }
}
