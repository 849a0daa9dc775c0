import type { IHasher } from 'hash-wasm';
import { savedBytes, type PeftSaved } from '../../content/formats/peftSaved.ts';
import type { PeftAdapter } from '../../content/formats/peft.ts';
import type { Gpu } from '../gpu/device.ts';
import { weightSamples } from '../model/weights/weightSamples.ts';
import { createContentHash } from '../../base/lib/contentHash.ts';
import type { MergeJob } from './mergeJob.ts';
import type { OutputPlan } from './outputPlan.ts';

/** Incremented when the same job writes other bytes, or the journal's format changes. */
const VERSION = 2;

/**
 * Identifies a merge, so that a later start can resume it: the base, the adapter's values, the settings, the shard
 * size, and the GPU, whose sums may round differently. A base from a Hub is identified by its commit, others by samples
 * of their data.
 */
export async function jobFingerprint(
  gpu: Gpu,
  job: MergeJob,
  plan: OutputPlan,
  maxShardBytes: number,
): Promise<string> {
  const { base, adapter, trained, onto, trainedDoubleQuant, quantize } = job;
  const hasher = await createContentHash();
  const note = (value: unknown): void => {
    hasher.update(`${JSON.stringify(value)}\n`);
  };
  note([
    VERSION,
    gpu.description,
    onto,
    trainedDoubleQuant,
    quantize,
    maxShardBytes,
    base.folder.origin ?? null,
  ]);
  note(plan.files);
  for (const { entry } of plan.tensors) note(entry);
  for (const { file } of base.checkpoint.files) {
    note([file.source.name, file.source.size, file.source.version ?? null]);
    hasher.update(await file.readHeader());
    if (!base.folder.origin) hasher.update(await weightSamples(file));
  }
  if (adapter) await addAdapter(hasher, adapter, note);
  if (trained) await addSaved(hasher, trained, note);
  return hasher.digest('hex');
}

async function addAdapter(
  hasher: IHasher,
  { modules, saved, biases }: PeftAdapter,
  note: (value: unknown) => void,
): Promise<void> {
  for (const [path, bias] of biases ?? []) {
    note(['bias', path]);
    hasher.update(bytesOf(bias));
  }
  for (const [path, { rank, scale, a, b, magnitudes }] of modules) {
    note([path, rank, scale]);
    for (const values of [a, b, ...(magnitudes ? [magnitudes] : [])]) hasher.update(bytesOf(values));
  }
  if (saved) await addSaved(hasher, saved, note);
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array<ArrayBuffer>): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

async function addSaved(
  hasher: IHasher,
  saved: ReadonlyMap<string, PeftSaved>,
  note: (value: unknown) => void,
): Promise<void> {
  for (const [path, matrix] of saved) {
    note(['saved', path]);
    for await (const bytes of savedBytes(matrix, 'F32')) hasher.update(bytes);
  }
}
