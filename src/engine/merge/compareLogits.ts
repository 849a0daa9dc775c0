import type { Gpu } from '../gpu/device.ts';
import { createRandom } from '../../base/lib/random.ts';
import { uploadBatch } from '../model/decoder/batchTensors.ts';
import { Decoder, withoutAdapter, type AdapterUse } from '../model/decoder/decoder.ts';
import { readLogits } from '../model/decoder/logits.ts';
import type { ModelFiles } from '../model/spec/openModel.ts';
import { StreamedWeights } from '../model/weights/streamedWeights.ts';
import { asStored, type WeightStorage } from '../model/weights/weightStorage.ts';
import type { MergeJob } from './mergeJob.ts';
import type { OutputTensor } from './outputTensor.ts';
import { proofFailed } from './proofFailed.ts';
import { dequantizedFiles } from './referenceFiles.ts';
import { baseStorage, withTuned } from './tunedModel.ts';

/** How close the logits of two models are. */
export interface LogitComparison {
  /** Maximum |written − (base + adapter)|; for an NF4 result, |written − the dequantized weights in plain loops|. */
  maxLogitDifference: number;
  /** Maximum difference that is attributed to rounding. */
  allowedLogitDifference: number;
  /** For an NF4 result, the difference that quantization makes to the logits of base + adapter; else null. */
  quantizationLogitDifference: number | null;
}

/** Number of tokens that the two models are compared on. */
const PROOF_TOKENS = 32;

/** Half an ulp, relative to the value. */
const rounding = { f32: 2 ** -24, f16: 2 ** -11, bf16: 2 ** -8 } as const;

/** A wrong merge (another scale, side or module) differs by about as much as the adapter changes. */
const SHARE_OF_EFFECT = 0.1;

/**
 * Compares the logits of a written model with those of base + adapter; for an NF4 result, whose quantization is an
 * error of its own, with those of its dequantized weights. Both run from their files a block at a time. Some models
 * magnify rounding far beyond the usual; for those, a difference that is a small fraction of the effect of the adapter
 * (or of quantization) is allowed. Throws `merge.proof_failed`.
 */
export async function compareLogits(
  gpu: Gpu,
  job: MergeJob,
  tensors: readonly OutputTensor[],
  merged: ModelFiles,
): Promise<LogitComparison> {
  // Gemma's factor of embeddings goes by the dtype of the file.
  const { embeddingMultiplier } = merged.spec;
  const base = { ...job.base, spec: { ...job.base.spec, embeddingMultiplier } };
  const tuned = await tunedLogits(gpu, { ...job, base });
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
  const effect = quantizationLogitDifference ?? (await adapterEffect(gpu, { ...job, base }, tuned));
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
 * Expected effect of rounding the written weights on a logit, relative to the logits: each weight changes by at most u
 * of itself, independently, so a product changes by about u of its size, the errors of `depth` products in a row add up
 * as a random walk, and the largest of very many logits is some eight standard deviations out. f32 arithmetic adds
 * 1e-4.
 */
function roundedShare(tensors: readonly OutputTensor[]): number {
  const formats = tensors.flatMap(
    ({ matrix, trained, converted }) => matrix?.format ?? trained ?? converted ?? [],
  );
  const u = Math.max(0, ...formats.map((format) => rounding[format]));
  return 8 * u * Math.sqrt(formats.length);
}

function tunedLogits(gpu: Gpu, job: MergeJob): Promise<Float32Array> {
  return withTuned(gpu, job, (use) => proofLogits(gpu, job.base, baseStorage(job), use));
}

async function adapterEffect(gpu: Gpu, job: MergeJob, tuned: Float32Array): Promise<number> {
  return largestDifference(tuned, await proofLogits(gpu, job.base, baseStorage(job), withoutAdapter));
}

/** Logits [PROOF_TOKENS, V] of a fixed sequence of random tokens. */
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

/** The largest |a − b|, NaN if any is NaN: Math.max propagates it. */
function largestDifference(a: Float32Array, b: Float32Array): number {
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i]!)), 0);
}

function rootMeanSquare(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}
