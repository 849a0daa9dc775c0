import type { Checkpoint } from '../formats/checkpoint.ts';
import type { PeftAdapter, PeftModule } from '../formats/peft.ts';
import type { TensorInfo } from '../formats/safetensors.ts';
import type { Gpu } from '../gpu/device.ts';
import { openModelFiles, type ModelFiles } from '../model/openModel.ts';
import type { Folder } from '../storage/types.ts';
import { compareLogits, type LogitComparison } from './compareLogits.ts';
import { mergedBlocks, roundingError } from './mergeTensor.ts';
import { proofFailed } from './proofFailed.ts';
import { sidecarFiles } from './sidecars.ts';

/** What the proof measured. It throws rather than return when something does not hold. */
export interface MergeProof extends LogitComparison {
  tensors: number;
  changedTensors: number;
  bytes: number;
}

/** Rows of each merged tensor that are computed in f64. */
const PROOF_ROWS = 4;
const COMPARE_BYTES = 16 * 1024 * 1024;

/**
 * Reads a merged model back and proves it: the same names, order, shapes, dtypes and size; config and tokenizer
 * files and tensors without an adapter equal to the bit; every other equal to the bit to one merged again, and
 * some of its rows, computed in f64, within one rounding of W + scale · B · A; and the logits of the merged model
 * those of base + adapter but for rounding. Both models run from their files a block at a time, so the peak is
 * one block, not two models.
 * Throws `merge.proof_failed` with what differs.
 */
export async function verifyMerge(
  gpu: Gpu,
  base: ModelFiles,
  adapter: PeftAdapter,
  output: Folder,
  onProgress?: (done: number, total: number) => void,
): Promise<MergeProof> {
  const merged = await openModelFiles(output);
  compareHeaders(base.checkpoint, merged.checkpoint);
  await compareSidecars(base.folder, output);
  const changedTensors = await compareTensors(gpu, base.checkpoint, merged.checkpoint, adapter, onProgress);
  const logits = await compareLogits(gpu, base, merged, adapter);
  const { tensors, totalBytes: bytes } = merged.checkpoint;
  return { tensors: tensors.size, changedTensors, bytes, ...logits };
}

function compareHeaders(base: Checkpoint, merged: Checkpoint): void {
  const names = [...base.tensors.keys()];
  const found = [...merged.tensors.keys()];
  const odd = names.find((name, i) => name !== found[i]) ?? found[names.length];
  if (odd !== undefined) throw proofFailed(`tensor “${odd}” is missing, extra or out of order`);
  for (const [name, { info }] of base.tensors) {
    const other = merged.get(name).info;
    const same = other.dtype === info.dtype && String(other.shape) === String(info.shape);
    if (!same) throw proofFailed(`tensor “${name}” changed its dtype or shape`);
  }
  if (base.totalBytes !== merged.totalBytes) throw proofFailed('the size changed');
}

async function compareSidecars(base: Folder, output: Folder): Promise<void> {
  const present = await output.list();
  for (const name of await sidecarFiles(base)) {
    if (!present.includes(name)) throw proofFailed(`the file “${name}” is missing`);
    const [before, after] = await Promise.all([base.open(name), output.open(name)]);
    if (before.size !== after.size) throw proofFailed(`the file “${name}” changed its size`);
    const same = await sameBytes(before.size, (at, length) =>
      Promise.all([before.read(at, length), after.read(at, length)]),
    );
    if (!same) throw proofFailed(`the file “${name}” changed`);
  }
}

async function compareTensors(
  gpu: Gpu,
  base: Checkpoint,
  merged: Checkpoint,
  { modules }: PeftAdapter,
  onProgress?: (done: number, total: number) => void,
): Promise<number> {
  let done = 0;
  let changed = 0;
  for (const [name, { info }] of base.tensors) {
    const size = info.end - info.begin;
    const module = modules.get(name.replace(/\.weight$/, ''));
    if (module) {
      changed += 1;
      await compareMerged(gpu, base, merged, info, module);
    } else if (!(await sameBytes(size, (at, length) => both(base, merged, name, at, length)))) {
      throw proofFailed(`tensor “${name}” has no adapter, yet changed`);
    }
    onProgress?.((done += size), base.totalBytes);
  }
  return changed;
}

/** The whole tensor merged again tells what a disk changed; rows in f64 tell whether the merge itself is right. */
async function compareMerged(
  gpu: Gpu,
  base: Checkpoint,
  merged: Checkpoint,
  info: TensorInfo,
  module: PeftModule,
): Promise<void> {
  const { name, dtype } = info;
  const rowBytes = (info.end - info.begin) / module.outFeatures;
  const stride = Math.max(1, Math.floor(module.outFeatures / PROOF_ROWS));
  for (let row = 0; row < module.outFeatures; row += stride) {
    const [before, after] = await both(base, merged, name, row * rowBytes, rowBytes);
    if (!(roundingError(dtype, before, after, module, row) <= 1)) throw notMerged(name, row);
  }
  let at = 0;
  const read = (offset: number, length: number) => base.readRange(name, offset, length);
  for await (const expected of mergedBlocks(gpu, info, module, read)) {
    const actual = await merged.readRange(name, at, expected.byteLength);
    const different = expected.findIndex((byte, i) => byte !== actual[i]);
    if (different >= 0) throw notMerged(name, Math.floor((at + different) / rowBytes));
    at += expected.byteLength;
  }
}

function notMerged(name: string, row: number): Error {
  return proofFailed(`row ${row} of “${name}” is not W + scale · B · A`);
}

function both(base: Checkpoint, merged: Checkpoint, name: string, offset: number, length: number) {
  return Promise.all([base.readRange(name, offset, length), merged.readRange(name, offset, length)]);
}

/** Whether two things of `size` bytes are equal, read block by block. */
async function sameBytes(
  size: number,
  read: (at: number, length: number) => Promise<readonly [Uint8Array, Uint8Array]>,
): Promise<boolean> {
  for (let at = 0; at < size; at += COMPARE_BYTES) {
    const [before, after] = await read(at, Math.min(COMPARE_BYTES, size - at));
    if (before.some((byte, i) => byte !== after[i])) return false;
  }
  return true;
}
