import type { RunRecord } from '../base/config/runRecord.ts';
import type { EndToken } from '../content/data/labels/turnEnd.ts';
import type { FloatDtype } from '../content/formats/dtypes.ts';
import { adapterBytes, type AdapterDtype } from '../content/formats/peft.ts';
import { modelCard } from '../content/hub/modelCard.ts';
import { usageFacts } from './usageFacts.ts';
import type { Gpu } from '../engine/gpu/device.ts';
import { checkMergeJob, mergeJob, type MergeJob } from '../engine/merge/mergeJob.ts';
import { planEnds } from '../engine/merge/outputEnds.ts';
import { planOutput } from '../engine/merge/outputPlan.ts';
import type { ModelFiles } from '../engine/model/spec/openModel.ts';

/** What a merge adds to its base: an adapter, or the tensors of a model of which every parameter was trained. */
export type MergeContent = Pick<MergeJob, 'adapter' | 'trained'>;

/** How a merged model is made. */
export interface MergeSettings extends Pick<MergeJob, 'onto' | 'quantize'> {
  /** The dtype of all float tensors; by default each keeps the base's own. */
  floats?: MergeJob['floats'];
  /** Whether the 4 bits it was trained on had nested absmax; by default not. */
  trainedDoubleQuant?: boolean;
  /** Tokens that training taught to end answers with. */
  ends?: readonly EndToken[];
  /** Title of the model card; by it the card's commands call the folder. */
  title: string;
  /** The repo it is pushed to. */
  repo?: string | null;
  /** The run, for the card; without one the base's card stays. */
  record?: RunRecord | null;
}

/** A merge as a job. Throws what is wrong with its input, before a GPU is opened: `merge.*`, `model.adapter_*`. */
export async function planMerge(
  base: ModelFiles,
  content: MergeContent,
  { title, repo = null, record = null, ends = [], ...settings }: MergeSettings,
): Promise<MergeJob> {
  const planned = await planEnds(base.folder, ends);
  const facts = await usageFacts(base, content.adapter, planned, { name: title, repo });
  const quantized = settings.quantize !== null;
  const card = record && modelCard(title, 'merged', record, planned, { facts, quantized });
  const job = mergeJob(base, content.adapter, { ...settings, trained: content.trained, ends, card });
  checkMergeJob(job);
  return job;
}

/** Bytes of what can be exported. */
export interface ExportSizes {
  /** The weights of the adapter; null where every parameter was trained. */
  adapter: Record<AdapterDtype, number> | null;
  /** The weights of the merged model: in the base's own floats or in a dtype, and for an adapter in NF4 and in NF4 with double quantization. */
  merged: Record<'floats' | FloatDtype, number> & { nf4: number | null; nf4Nested: number | null };
}

/** Bytes of what can be exported, without making it. Throws `merge.bias_without_place`, and what reading the base throws. */
export async function exportSizes(
  gpu: Gpu,
  base: ModelFiles,
  { adapter, trained }: MergeContent,
): Promise<ExportSizes> {
  // What it is merged onto changes no size.
  const onto = base.quantization === null ? 'original' : 'dequantized';
  const bytes = async (choices: Partial<Pick<MergeJob, 'quantize' | 'floats'>>) =>
    (await planOutput(gpu, mergeJob(base, adapter, { onto, trained, ...choices }))).totalBytes;
  const inFloats = {
    floats: await bytes({}),
    F32: await bytes({ floats: 'F32' }),
    F16: await bytes({ floats: 'F16' }),
    BF16: await bytes({ floats: 'BF16' }),
  };
  if (!adapter) return { adapter: null, merged: { ...inFloats, nf4: null, nf4Nested: null } };
  return {
    adapter: { F32: adapterBytes(adapter, 'F32'), I8: adapterBytes(adapter, 'I8') },
    merged: {
      ...inFloats,
      nf4: await bytes({ quantize: { doubleQuant: false } }),
      nf4Nested: await bytes({ quantize: { doubleQuant: true } }),
    },
  };
}
