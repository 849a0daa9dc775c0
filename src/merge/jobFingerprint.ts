import type { IHasher } from 'hash-wasm';
import { savedBytes, type PeftSaved } from '../formats/peftSaved.ts';
import type { PeftAdapter } from '../formats/peft.ts';
import type { Gpu } from '../gpu/device.ts';
import { weightSamples } from '../model/weightSamples.ts';
import { createContentHash } from '../lib/contentHash.ts';
import type { MergeJob } from './mergeJob.ts';
import type { OutputPlan } from './outputPlan.ts';

/** Raised when the same job comes to write other bytes, or the journal tells of them in another way. */
const VERSION = 2;

/**
 * What makes two merges the same, so that one may go on with what the other has written: the base, the adapter's
 * numbers, the settings, the size of shards, and the GPU, whose sums may round another way.
 * A base of a Hub is known by its commit; of another, places are looked at.
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
  { modules, saved }: PeftAdapter,
  note: (value: unknown) => void,
): Promise<void> {
  for (const [path, { rank, scale, a, b }] of modules) {
    note([path, rank, scale]);
    for (const { buffer, byteOffset, byteLength } of [a, b]) {
      hasher.update(new Uint8Array(buffer, byteOffset, byteLength));
    }
  }
  if (saved) await addSaved(hasher, saved, note);
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
