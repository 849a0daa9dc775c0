import type { CheckpointTensor } from '../formats/checkpoint.ts';
import { savedBytes, type PeftSaved } from '../formats/peftSaved.ts';
import { floatFormat } from '../model/floatFormat.ts';
import type { MergeJob } from './mergeJob.ts';
import { copied, skipping, type OutputTensor } from './outputTensor.ts';

/** Whether the result needs a head of its own: the base's is its embedding, and one of the two was trained. */
export function isUntied({ base, adapter }: MergeJob): boolean {
  if (!base.spec.tied || !adapter) return false;
  const ownMatrix = (adapter.saved?.size ?? 0) > 0 && adapter.tiedHead === undefined;
  return ownMatrix || adapter.modules.has(base.spec.names.head);
}

/**
 * Tensors of the result that come from matrices trained in full, beside an adapter or all of them, by name: they take
 * the place of the base's. Where embedding and head were one and only one of them was trained, the head is among them,
 * as trained or as the embedding was before.
 */
export function savedOutputs(job: MergeJob): Map<string, OutputTensor> {
  const { base, adapter, trained } = job;
  const { embedding, head } = base.spec.names;
  const outputs = new Map<string, OutputTensor>();
  for (const [name, values] of trained ?? []) {
    outputs.set(name, replaced(name, base.checkpoint.get(name), values));
  }
  // Some files of tied models store the head all the same.
  const stored = base.checkpoint.tensors.get(`${head}.weight`);
  const tiedTable = adapter?.tiedHead === undefined ? undefined : adapter.saved?.get(embedding);
  const table = trained?.get(`${embedding}.weight`) ?? tiedTable;
  if (base.spec.tied && stored && table) {
    outputs.set(`${head}.weight`, replaced(`${head}.weight`, stored, table));
  }
  for (const [module, saved] of adapter?.saved ?? []) {
    const name = `${module}.weight`;
    const from = base.checkpoint.tensors.get(name) ?? base.checkpoint.get(`${embedding}.weight`);
    outputs.set(name, replaced(name, from, saved));
  }
  // One with LoRA is computed (outputPlan.ts).
  const isCopy = isUntied(job) && adapter?.modules.has(head) !== true;
  if (isCopy && !outputs.has(`${head}.weight`)) {
    outputs.set(`${head}.weight`, copied(base.checkpoint.get(`${embedding}.weight`), `${head}.weight`));
  }
  return outputs;
}

/** A matrix or vector trained in full, rounded once to the dtype of the tensor it replaces. */
function replaced(name: string, from: CheckpointTensor, saved: PeftSaved): OutputTensor {
  const { dtype, shape, begin, end } = from.info;
  return {
    entry: { name, dtype, shape, byteLength: end - begin },
    from,
    matrix: null,
    trained: floatFormat(from.info),
    blocks: (start) => skipping(savedBytes(saved, dtype), start),
  };
}
