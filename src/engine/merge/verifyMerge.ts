import type { EndToken } from '../../content/data/labels/turnEnd.ts';
import type { Gpu } from '../gpu/device.ts';
import { openModelFiles, type ModelFiles } from '../model/spec/openModel.ts';
import { isOf, type DecoderSpec } from '../model/spec/spec.ts';
import type { Folder } from '../../base/storage/types.ts';
import { ahead } from './ahead.ts';
import { compareLogits, type LogitComparison } from './compareLogits.ts';
import { checkRows } from './checkRows.ts';
import type { MergeJob } from './mergeJob.ts';
import { planOutput, type OutputPlan } from './outputPlan.ts';
import type { OutputTensor } from './outputTensor.ts';
import { proofFailed } from './proofFailed.ts';
import { stoppableFiles, stoppableFolder } from './stoppable.ts';

/** What the proof measured. It throws rather than return when something does not hold. */
export interface MergeProof extends LogitComparison {
  tensors: number;
  changedTensors: number;
  /** Of parts for images: copied as they are. */
  otherTensors: number;
  /** Of parts that transformers does not load, such as heads that predict several tokens: copied as they are. */
  ignoredTensors: number;
  /** Tensors that only changed their dtype. */
  convertedTensors: number;
  bytes: number;
  /** Tokens that end answers and that generation_config.json did not name before. */
  addedEnds: EndToken[];
}

const COMPARE_BYTES = 16 * 1024 * 1024;

/**
 * Reads a written model back and proves it: names, order, shapes, dtypes and size as planned; config and tokenizer
 * files and tensors that the job leaves alone equal to the bit; every other equal to the bit to one made again, and
 * some of its rows, computed in f64 on the CPU, within one rounding of W + scale · B · A (in NF4, as near as its codes
 * come); and the logits of the written model those of base + adapter but for rounding (`compareLogits`). Models run
 * from their files a block at a time, so the peak is one block, not two models.
 * Throws `merge.proof_failed` with what differs, and `merge.cancelled`.
 */
export function verifyMerge(
  gpu: Gpu,
  mergeJob: MergeJob,
  folder: Folder,
  onProgress?: (done: number, total: number) => void,
  signal?: AbortSignal,
): Promise<MergeProof> {
  return withWritten(mergeJob, folder, signal, async (open) => {
    const plan = await planOutput(gpu, open.job);
    await compareOutput(gpu, plan, open, onProgress);
    const logits = await compareLogits(gpu, open.job, plan.tensors, open.written);
    return { ...countsOf(plan, open.job.base.spec), ...logits };
  });
}

/** A written model, open, beside its job: reads of both end when the signal is aborted. */
export interface OpenOutput {
  job: MergeJob;
  output: Folder;
  written: ModelFiles;
}

/** Opens a written model for the time of `work`. */
export async function withWritten<T>(
  mergeJob: MergeJob,
  folder: Folder,
  signal: AbortSignal | undefined,
  work: (open: OpenOutput) => Promise<T>,
): Promise<T> {
  const output = stoppableFolder(folder, signal);
  const job = { ...mergeJob, base: stoppableFiles(mergeJob.base, signal) };
  const written = await openModelFiles(output);
  try {
    return await work({ job, output, written });
  } finally {
    // A file that is kept open cannot be changed or removed.
    await written.checkpoint.release();
    await job.base.checkpoint.release();
  }
}

/** Compares everything that is written with the plan, each tensor with one made again. Throws `merge.proof_failed`. */
export async function compareOutput(
  gpu: Gpu,
  plan: OutputPlan,
  { job, output, written }: OpenOutput,
  onProgress?: (done: number, total: number) => void,
): Promise<void> {
  compareHeaders(plan, written);
  await compareFiles(plan.files, job.base.folder, output);
  let done = 0;
  try {
    for (const tensor of plan.tensors) {
      // Rows in f64 tell whether the merge itself is right; the whole made again tells what a disk changed.
      if (tensor.matrix?.source.module === weightOf(tensor)) await checkRows(gpu, tensor.matrix, written);
      await compareTensor(tensor, written);
      onProgress?.((done += tensor.entry.byteLength), plan.totalBytes);
    }
  } finally {
    plan.workspace.dispose();
  }
}

/**
 * What a proof says of a plan: how many tensors, how many of them are not copies, how many in another dtype, how many of
 * other parts, and their bytes.
 */
export function countsOf(
  { tensors, stored, totalBytes, addedEnds }: OutputPlan,
  { inside, ignored }: DecoderSpec,
) {
  const copies = tensors.filter(({ converted }) => converted === null);
  const copiesOf = (modules: readonly string[]) =>
    copies.filter(({ entry }) => isOf(modules, entry.name)).length;
  const changed = stored.filter(({ matrix, trained }) => matrix !== null || trained !== null);
  return {
    tensors: stored.length,
    changedTensors: changed.length,
    convertedTensors: stored.filter(({ converted }) => converted !== null).length,
    otherTensors: copiesOf(inside?.others ?? []),
    ignoredTensors: copiesOf(ignored),
    bytes: totalBytes,
    addedEnds,
  };
}

/** The module whose weight, and not what goes with it, a tensor is. */
export function weightOf({ entry }: OutputTensor): string | null {
  return entry.name.endsWith('.weight') ? entry.name.slice(0, -'.weight'.length) : null;
}

/** Compares names, order, shapes, dtypes and size with the plan. Throws `merge.proof_failed`. */
export function compareHeaders({ stored, totalBytes }: OutputPlan, { checkpoint }: ModelFiles): void {
  const place = new Map(stored.map(({ entry }, i) => [entry.name, i]));
  for (const { tensors: names } of checkpoint.files) {
    // Only within a file: a tensor above the size of a shard comes before smaller ones.
    const places = names.map((name) => place.get(name) ?? -1);
    const odd = places.findIndex((at, i) => at <= (places[i - 1] ?? -1));
    if (odd >= 0) throw proofFailed(`tensor “${names[odd]}” is missing, extra or out of order`);
  }
  const infos = new Map(checkpoint.files.flatMap(({ file }) => [...file.tensors]));
  for (const { entry } of stored) {
    const found = infos.get(entry.name);
    if (!found) throw proofFailed(`tensor “${entry.name}” is missing, extra or out of order`);
    const same = found.dtype === entry.dtype && String(found.shape) === String(entry.shape);
    if (!same) throw proofFailed(`tensor “${entry.name}” changed its dtype or shape`);
  }
  if (checkpoint.totalBytes !== totalBytes) throw proofFailed('the size changed');
}

/** Compares the files besides the weights with the base's, or as planned. Throws `merge.proof_failed`. */
export async function compareFiles(files: OutputPlan['files'], base: Folder, output: Folder): Promise<void> {
  const present = await output.list();
  for (const { name, text } of files) {
    if (!present.includes(name)) throw proofFailed(`the file “${name}” is missing`);
    const after = await output.open(name);
    const before = text === null ? await base.open(name) : null;
    const planned = new TextEncoder().encode(text ?? '');
    const size = before?.size ?? planned.byteLength;
    if (size !== after.size) throw proofFailed(`the file “${name}” changed its size`);
    for (let at = 0; at < size; at += COMPARE_BYTES) {
      const length = Math.min(COMPARE_BYTES, size - at);
      const wanted = (await before?.read(at, length)) ?? planned.subarray(at, at + length);
      if (difference(wanted, await after.read(at, length)) >= 0)
        throw proofFailed(`the file “${name}” changed`);
    }
  }
}

async function compareTensor(
  { entry: { name, shape, byteLength }, matrix, trained, converted, blocks }: OutputTensor,
  { checkpoint }: ModelFiles,
): Promise<void> {
  let at = 0;
  for await (const expected of ahead(blocks())) {
    const found = new Uint8Array(expected.byteLength);
    await checkpoint.readInto(name, at, found);
    const different = difference(expected, found);
    if (different >= 0) {
      if (!matrix && !trained && !converted) throw proofFailed(`tensor “${name}” changed without an adapter`);
      const row = Math.floor((at + different) / (byteLength / (shape[0] ?? 1)));
      throw proofFailed(`row ${row} of “${name}” is not the result of the merge`);
    }
    at += expected.byteLength;
  }
}

/** The first place where two runs of bytes of one length differ, or −1. */
function difference(a: Uint8Array<ArrayBuffer>, b: Uint8Array<ArrayBuffer>): number {
  // Words first: a callback a byte takes longer than the merge.
  const aligned = (a.byteOffset | b.byteOffset) % 4 === 0;
  const words = aligned ? Math.floor(a.byteLength / 4) : 0;
  const [left, right] = [a, b].map(
    (bytes) => new Uint32Array(bytes.buffer, aligned ? bytes.byteOffset : 0, words),
  ) as [Uint32Array, Uint32Array];
  let at = 0;
  while (at < words && left[at] === right[at]) at += 1;
  for (at *= 4; at < a.byteLength; at++) if (a[at] !== b[at]) return at;
  return -1;
}
