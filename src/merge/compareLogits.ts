import type { Gpu } from '../gpu/device.ts';
import { createRandom } from '../lib/random.ts';
import { loadAdapter } from '../model/adapterFiles.ts';
import { uploadBatch } from '../model/batchTensors.ts';
import { Decoder, withoutAdapter, type AdapterUse } from '../model/decoder.ts';
import { readLogits } from '../model/logits.ts';
import { loadTrainedModel } from '../model/trainedModel.ts';
import type { Trainable } from '../model/trainable.ts';
import type { ModelFiles } from '../model/openModel.ts';
import { StreamedWeights } from '../model/streamedWeights.ts';
import { asStored, type WeightStorage } from '../model/weightLoader.ts';
import type { MergeJob } from './mergeJob.ts';
import type { OutputTensor } from './outputTensor.ts';
import { proofFailed } from './proofFailed.ts';
import { dequantizedFiles } from './referenceFiles.ts';

/** How close the logits of two models are. */
export interface LogitComparison {
  /**
   * Largest |written − (base + adapter)|; of a result in NF4, |written − what plain loops make of its codes|.
   */
  maxLogitDifference: number;
  /** The most that is taken for rounding. */
  allowedLogitDifference: number;
  /** Of a result in NF4: how far its 4 bits take the logits from those of base + adapter. Else null. */
  quantizationLogitDifference: number | null;
}

/** Tokens the two models are compared on. */
const PROOF_TOKENS = 32;

/** Half a unit in the last place, as a share of the value. */
const rounding = { f32: 2 ** -24, f16: 2 ** -11, bf16: 2 ** -8 } as const;

/** A wrong merge (another scale, side or module) is off by about as much as the adapter changes. */
const SHARE_OF_EFFECT = 0.1;

/**
 * Compares the logits of a written model with those of base + adapter; one in NF4, whose 4 bits are an error of their
 * own, with those of the numbers that its codes stand for. Both run from their files a block at a time.
 * Some models magnify rounding far beyond the usual; there, a difference that is a small share of what the adapter
 * (or the quantization) changes is allowed. Throws `merge.proof_failed`.
 */
export async function compareLogits(
  gpu: Gpu,
  job: MergeJob,
  tensors: readonly OutputTensor[],
  merged: ModelFiles,
): Promise<LogitComparison> {
  const tuned = await tunedLogits(gpu, job);
  const actual = await proofLogits(gpu, merged, asStored, withoutAdapter);
  const quantizationLogitDifference = job.quantize ? largestDifference(tuned, actual) : null;
  const expected = job.quantize
    ? await proofLogits(gpu, dequantizedFiles(merged), asStored, withoutAdapter)
    : tuned;
  const maxLogitDifference = largestDifference(expected, actual);
  const share = job.quantize ? 0 : roundedShare(tensors);
  const rounded = rootMeanSquare(expected) * (share + 1e-4);
  const found = { maxLogitDifference, quantizationLogitDifference };
  if (maxLogitDifference <= rounded) return { ...found, allowedLogitDifference: rounded };
  const effect = quantizationLogitDifference ?? (await adapterEffect(gpu, job, tuned));
  const allowedLogitDifference = SHARE_OF_EFFECT * effect;
  if (!(maxLogitDifference <= allowedLogitDifference)) {
    const cause = job.quantize ? 'quantization' : job.trained ? 'training' : 'the adapter';
    throw proofFailed(
      `its logits differ by ${maxLogitDifference}, where rounding allows ${rounded} and ${cause} changes ${effect}`,
    );
  }
  return { ...found, allowedLogitDifference };
}

/**
 * How far rounding the written weights moves a logit as a rule, as a share of logits: each weight moves by at most u of
 * itself, independently, so a product moves by about u of its size, the errors of `depth` products in a row add up as
 * a random walk, and the largest of very many logits lies some eight deviations out. f32 arithmetic adds 1e-4.
 */
function roundedShare(tensors: readonly OutputTensor[]): number {
  const formats = tensors.flatMap(({ matrix, trained }) => matrix?.format ?? trained ?? []);
  const u = Math.max(0, ...formats.map((format) => rounding[format]));
  return 8 * u * Math.sqrt(formats.length);
}

/** How the base is held where the adapter is added to it. */
function baseStorage({ base, onto, trainedDoubleQuant }: MergeJob): WeightStorage {
  if (onto === 'original' || base.quantization !== null) return asStored;
  return { ...asStored, quantize: { doubleQuant: trainedDoubleQuant } };
}

async function tunedLogits(gpu: Gpu, job: MergeJob): Promise<Float32Array> {
  const { base } = job;
  const adapter = await tunedPart(gpu, job);
  try {
    const use = adapter ? { adapter, strength: 1, dropout: null } : withoutAdapter;
    return await proofLogits(gpu, base, baseStorage(job), use);
  } finally {
    adapter?.dispose();
  }
}

function tunedPart(gpu: Gpu, { base, adapter, trained }: MergeJob): Promise<Trainable> | null {
  if (trained) return loadTrainedModel(gpu, base.spec, trained);
  return adapter && loadAdapter(gpu, base.spec, adapter);
}

async function adapterEffect(gpu: Gpu, job: MergeJob, tuned: Float32Array): Promise<number> {
  return largestDifference(tuned, await proofLogits(gpu, job.base, baseStorage(job), withoutAdapter));
}

/** Logits [PROOF_TOKENS, V] of a fixed text of random tokens. */
async function proofLogits(
  gpu: Gpu,
  files: ModelFiles,
  storage: WeightStorage,
  use: AdapterUse,
): Promise<Float32Array> {
  const { spec } = files;
  const random = createRandom(0);
  const length = Math.min(PROOF_TOKENS, spec.maxPositions);
  const index = Uint32Array.from({ length }, (_, i) => i);
  const weights = new StreamedWeights(gpu, files, storage);
  const decoder = new Decoder(gpu, spec, weights, 'f32');
  try {
    const batch = uploadBatch(gpu, decoder.workspace, {
      tokens: index.map(() => random.below(spec.vocabSize)),
      positions: index,
      segmentStart: new Uint32Array(length),
      segmentEnd: new Uint32Array(length).fill(length),
      targetRows: index,
      targetIds: index,
      targetWeights: null,
      rows: 1,
    });
    return await readLogits(decoder, use, batch);
  } finally {
    decoder.dispose();
    weights.dispose();
  }
}

/** The largest |a − b|, NaN if one of them is NaN: Math.max gives it on. */
function largestDifference(a: Float32Array, b: Float32Array): number {
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i]!)), 0);
}

function rootMeanSquare(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}
