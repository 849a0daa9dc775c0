import type { CheckpointTensor } from '../../content/formats/checkpoint.ts';
import { savedBytes, type PeftSaved } from '../../content/formats/peftSaved.ts';
import { tensorBytes } from '../../content/formats/safetensorsLayout.ts';
import { floatFormat } from '../model/spec/floatFormat.ts';
import type { MergeJob } from './mergeJob.ts';
import { refusingOverflow } from './f16Overflow.ts';
import { kept, skipping, type OutputTensor } from './outputTensor.ts';

/** Whether the result needs its own head: the base's is its embedding, and only one of the two was trained. */
export function isUntied({ base, adapter }: MergeJob): boolean {
  if (!base.spec.tied || !adapter) return false;
  const ownMatrix = (adapter.saved?.size ?? 0) > 0 && adapter.tiedHead === undefined;
  return ownMatrix || adapter.modules.has(base.spec.names.head);
}

/**
 * Tensors of the result that replace the base's, by name: matrices trained in full alongside an adapter, or all
 * parameters. If embedding and head were tied and only one was trained, the head is among them, as trained or as the
 * original embedding.
 */
export function savedOutputs(job: MergeJob): Map<string, OutputTensor> {
  const { base, adapter, trained } = job;
  const { embedding, head } = base.spec.names;
  const outputs = new Map<string, OutputTensor>();
  for (const [name, values] of trained ?? []) {
    outputs.set(name, replaced(job, name, base.checkpoint.get(name), values));
  }
  // Some files of tied models store the head anyway.
  const stored = base.checkpoint.tensors.get(`${head}.weight`);
  const tiedTable = adapter?.tiedHead === undefined ? undefined : adapter.saved?.get(embedding);
  const table = trained?.get(`${embedding}.weight`) ?? tiedTable;
  if (base.spec.tied && stored && table) {
    outputs.set(`${head}.weight`, replaced(job, `${head}.weight`, stored, table));
  }
  for (const [module, saved] of adapter?.saved ?? []) {
    const name = `${module}.weight`;
    const from = base.checkpoint.tensors.get(name) ?? base.checkpoint.get(`${embedding}.weight`);
    outputs.set(name, replaced(job, name, from, saved));
  }
  for (const [module, values] of adapter?.biases ?? []) {
    const name = `${module}.bias`;
    outputs.set(name, replaced(job, name, base.checkpoint.get(name), vectorRow(values)));
  }
  // One with LoRA is computed (outputPlan.ts).
  const isCopy = isUntied(job) && adapter?.modules.has(head) !== true;
  if (isCopy && !outputs.has(`${head}.weight`)) {
    outputs.set(`${head}.weight`, kept(job, base.checkpoint.get(`${embedding}.weight`), `${head}.weight`));
  }
  return outputs;
}

/** A vector as a matrix of one row. */
function vectorRow(values: Float32Array<ArrayBuffer>): PeftSaved {
  return { rows: 1, cols: values.length, read: async () => values };
}

/** A fully trained matrix or vector, rounded once: to the job's dtype, else to that of the tensor it replaces. */
function replaced(
  { floats }: MergeJob,
  name: string,
  from: CheckpointTensor,
  saved: PeftSaved,
): OutputTensor {
  const { shape } = from.info;
  const dtype = floats ?? from.info.dtype;
  const entry = { name, dtype, shape };
  return {
    entry: { ...entry, byteLength: tensorBytes(entry) },
    from,
    matrix: null,
    trained: floatFormat({ name, dtype }),
    converted: null,
    blocks: (start) => skipping(refusingOverflow(savedBytes(saved, dtype), dtype, name), start),
  };
}
