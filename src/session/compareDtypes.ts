import { GraftError } from '../base/lib/errors.ts';
import { buildMicroBatch } from '../content/data/tokens/microBatch.ts';
import { tokenRowsOf, type TokenRows } from '../content/data/tokens/tokenRows.ts';
import type { FloatDtype } from '../content/formats/dtypes.ts';
import type { Gpu } from '../engine/gpu/device.ts';
import type { MergeJob } from '../engine/merge/mergeJob.ts';
import { planOutput } from '../engine/merge/outputPlan.ts';
import { plannedFolder } from '../engine/merge/plannedFolder.ts';
import { baseStorage, withTuned } from '../engine/merge/tunedModel.ts';
import { uploadBatch } from '../engine/model/decoder/batchTensors.ts';
import { Decoder, withoutAdapter, type AdapterUse } from '../engine/model/decoder/decoder.ts';
import { readLogits } from '../engine/model/decoder/logits.ts';
import { openModelFiles, type ModelFiles } from '../engine/model/spec/openModel.ts';
import { StreamedWeights } from '../engine/model/weights/streamedWeights.ts';
import { asStored, type WeightStorage } from '../engine/model/weights/weightStorage.ts';
import { evaluate } from '../engine/train/evaluate.ts';

/** The dtypes a merged model can be written in; null: each tensor in that of the base. */
export const mergeDtypes = [null, 'F32', 'F16', 'BF16'] as const satisfies readonly (FloatDtype | null)[];

/** What rounding to a dtype does to a merged model. */
export interface DtypeChange {
  dtype: FloatDtype | null;
  bytes: number;
  /** Mean loss on the evaluation rows. */
  loss: number;
  /** Largest |merged − (base + adapter)| of the logits on the first tokens of those rows. */
  maxLogitChange: number;
}

/** A dtype that can't hold the merged model, and a tensor with values beyond its range. */
export interface DtypeOverflow {
  dtype: FloatDtype;
  overflow: string;
}

/** The merged model in each dtype, beside base + adapter unmerged, which nothing rounds. */
export interface DtypeComparison {
  unmerged: { loss: number; maxLogit: number };
  dtypes: (DtypeChange | DtypeOverflow)[];
}

/** Rows that go through each block at once, which is computed for each such batch. */
const BATCH = 32;

/** Logits compared at most: 64 MB of floats. */
const LOGITS = 1 << 24;
const TOKENS = 128;

/**
 * Measures what a merge becomes in each dtype, without writing it: blocks of the merged model are computed as the
 * decoder reads them. A dtype that can't hold the model comes with the tensor that exceeds it.
 */
export async function compareDtypes(gpu: Gpu, job: MergeJob, rows: TokenRows): Promise<DtypeComparison> {
  const { base } = job;
  const some = firstTokens(rows, Math.max(1, Math.min(TOKENS, Math.floor(LOGITS / base.spec.vocabSize))));
  const tuned = await withTuned(gpu, job, (use) => measured(gpu, base, baseStorage(job), use, rows, some));
  const dtypes: DtypeComparison['dtypes'] = [];
  for (const dtype of mergeDtypes) {
    const plan = await planOutput(gpu, { ...job, floats: dtype });
    try {
      const files = await openModelFiles(plannedFolder(base.folder, plan));
      const { loss, logits } = await measured(gpu, files, asStored, withoutAdapter, rows, some);
      const maxLogitChange = largest(logits.map((value, i) => value - tuned.logits[i]!));
      dtypes.push({ dtype, bytes: plan.totalBytes, loss, maxLogitChange });
    } catch (error) {
      const isOverflow = error instanceof GraftError && error.code === 'merge.f16_overflow';
      if (!isOverflow || dtype === null) throw error;
      dtypes.push({ dtype, overflow: String(error.params.tensor) });
    } finally {
      plan.workspace.dispose();
    }
  }
  return { unmerged: { loss: tuned.loss, maxLogit: largest(tuned.logits) }, dtypes };
}

async function measured(
  gpu: Gpu,
  files: ModelFiles,
  storage: WeightStorage,
  use: AdapterUse,
  rows: TokenRows,
  some: TokenRows,
) {
  const weights = new StreamedWeights(gpu, files, storage);
  const decoder = new Decoder(gpu, files.spec, weights, 'f32');
  try {
    const { loss } = await evaluate(decoder, use, rows, BATCH);
    const all = Array.from({ length: some.offsets.length - 1 }, (_, i) => i);
    decoder.commands.submit();
    const batch = uploadBatch(gpu, decoder.workspace, buildMicroBatch(some, [all]));
    return { loss, logits: await readLogits(decoder, use, batch) };
  } finally {
    decoder.dispose();
    weights.dispose();
  }
}

/** The first rows, up to a number of tokens; the last of them may be cut. */
function firstTokens({ ids, labels, offsets }: TokenRows, count: number): TokenRows {
  const rows = [];
  for (let row = 0; row + 1 < offsets.length && offsets[row]! < count; row++) {
    const [start, end] = [offsets[row]!, Math.min(count, offsets[row + 1]!)];
    rows.push({ ids: ids.subarray(start, end), labels: labels.subarray(start, end) });
  }
  return tokenRowsOf(rows);
}

/** The largest magnitude, NaN if any is NaN. */
function largest(values: Float32Array): number {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}
