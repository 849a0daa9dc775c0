import type { PeftAdapter } from '../formats/peft.ts';
import type { Gpu } from '../gpu/device.ts';
import { createRandom } from '../lib/random.ts';
import { loadAdapter } from '../model/adapterFiles.ts';
import { uploadBatch } from '../model/batchTensors.ts';
import { Decoder, withoutAdapter, type AdapterUse } from '../model/decoder.ts';
import { readLogits } from '../model/logits.ts';
import type { ModelFiles } from '../model/openModel.ts';
import { StreamedWeights } from '../model/streamedWeights.ts';
import { asStored } from '../model/weightLoader.ts';
import { proofFailed } from './proofFailed.ts';

/** How close the logits of two models are. */
export interface LogitComparison {
  /** Largest |merged − (base + adapter)|. */
  maxLogitDifference: number;
  /** The most that is taken for rounding of the merged weights. */
  allowedLogitDifference: number;
}

/** Tokens the two models are compared on. */
const PROOF_TOKENS = 32;

/** Half a unit in the last place, as a share of the value. */
const rounding: Record<string, number> = { F32: 2 ** -24, F16: 2 ** -11, BF16: 2 ** -8 };

/** A wrong merge (another scale, side or module) is off by about as much as the adapter changes. */
const SHARE_OF_EFFECT = 0.1;

/**
 * Compares the logits of a merged model with those of base + adapter. Both run from their files a block at a time.
 * Some models magnify rounding far beyond the usual; there, a difference that is a small share of what the adapter
 * changes is allowed. Throws `merge.proof_failed`.
 */
export async function compareLogits(
  gpu: Gpu,
  base: ModelFiles,
  merged: ModelFiles,
  peft: PeftAdapter,
): Promise<LogitComparison> {
  const expected = await adaptedLogits(gpu, base, peft);
  const maxLogitDifference = largestDifference(expected, await proofLogits(gpu, merged, withoutAdapter));
  const rounded = allowedByRounding(base, peft, rootMeanSquare(expected));
  if (maxLogitDifference <= rounded) return { maxLogitDifference, allowedLogitDifference: rounded };
  const effect = largestDifference(expected, await proofLogits(gpu, base, withoutAdapter));
  const allowedLogitDifference = SHARE_OF_EFFECT * effect;
  if (!(maxLogitDifference <= allowedLogitDifference)) {
    throw proofFailed(
      `its logits differ by ${maxLogitDifference}, where rounding allows ${rounded} and the adapter changes ${effect}`,
    );
  }
  return { maxLogitDifference, allowedLogitDifference };
}

/**
 * How far rounding the merged weights moves a logit as a rule: each weight moves by at most u of itself,
 * independently, so a product moves by about u of its size, the errors of `depth` products in a row add up as a
 * random walk, and the largest of very many logits lies some eight deviations out. f32 arithmetic adds 1e-4.
 */
function allowedByRounding(base: ModelFiles, { modules }: PeftAdapter, size: number): number {
  const dtypes = [...modules.keys()].map((path) => base.checkpoint.get(`${path}.weight`).info.dtype);
  const u = Math.max(...dtypes.map((dtype) => rounding[dtype] ?? 0));
  const depth = Math.sqrt(modules.size);
  return size * (8 * u * depth + 1e-4);
}

async function adaptedLogits(gpu: Gpu, base: ModelFiles, peft: PeftAdapter): Promise<Float32Array> {
  const adapter = loadAdapter(gpu, base.spec, peft);
  try {
    return await proofLogits(gpu, base, { adapter, strength: 1, dropout: null });
  } finally {
    adapter.dispose();
  }
}

/** Logits [PROOF_TOKENS, V] of a fixed text of random tokens. */
async function proofLogits(gpu: Gpu, files: ModelFiles, use: AdapterUse): Promise<Float32Array> {
  const { spec } = files;
  const random = createRandom(0);
  const length = Math.min(PROOF_TOKENS, spec.maxPositions);
  const index = Uint32Array.from({ length }, (_, i) => i);
  const weights = new StreamedWeights(gpu, files, asStored);
  const decoder = new Decoder(gpu, spec, weights, 'f32');
  try {
    const batch = uploadBatch(gpu, decoder.workspace, {
      tokens: index.map(() => random.below(spec.vocabSize)),
      positions: index,
      segmentStart: new Uint32Array(length),
      segmentEnd: new Uint32Array(length).fill(length),
      targetRows: index,
      targetIds: index,
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
