import type { EndToken } from '../../content/data/labels/turnEnd.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Folder } from '../../base/storage/types.ts';
import { checkRows } from './checkRows.ts';
import type { MergeJob } from './mergeJob.ts';
import { planOutput } from './outputPlan.ts';
import {
  compareFiles,
  compareHeaders,
  compareOutput,
  countsOf,
  weightOf,
  withWritten,
} from './verifyMerge.ts';
import type { WrittenMerge } from './writtenMerge.ts';

/** What the proof has looked at. It throws rather than return when something does not hold. */
export interface WrittenProof {
  tensors: number;
  changedTensors: number;
  /** Of parts for images: copied as they are. */
  otherTensors: number;
  /** Of parts that transformers does not load: copied as they are. */
  ignoredTensors: number;
  /** Tensors that only changed their dtype. */
  convertedTensors: number;
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
export function verifyWritten(
  gpu: Gpu,
  mergeJob: MergeJob,
  written: WrittenMerge,
  onProgress?: (done: number, total: number) => void,
  signal?: AbortSignal,
): Promise<WrittenProof> {
  return withWritten(mergeJob, written.folder, signal, async ({ job, output, written: files }) => {
    const plan = await planOutput(gpu, job);
    compareHeaders(plan, files);
    await compareFiles(plan.files, job.base.folder, output);
    await written.compareDigests(output, (done) => onProgress?.(done, plan.totalBytes));
    for (const tensor of plan.tensors) {
      if (tensor.matrix?.source.module === weightOf(tensor)) await checkRows(gpu, tensor.matrix, files);
    }
    return { ...countsOf(plan, job.base.spec), proof: 'read back, rows in f64' };
  });
}

/**
 * The same of a model that was finished before, whose digests are gone: its base is read once, and every tensor made
 * again. Throws `merge.proof_failed`, `merge.cancelled`.
 */
export function verifyFinished(
  gpu: Gpu,
  mergeJob: MergeJob,
  folder: Folder,
  onProgress?: (done: number, total: number) => void,
  signal?: AbortSignal,
): Promise<WrittenProof> {
  return withWritten(mergeJob, folder, signal, async (open) => {
    const plan = await planOutput(gpu, open.job);
    await compareOutput(gpu, plan, open, onProgress);
    return { ...countsOf(plan, open.job.base.spec), proof: 'read back, rows in f64' };
  });
}
