import type { Checkpoint } from '../formats/checkpoint.ts';
import type { PeftAdapter } from '../formats/peft.ts';
import type { Gpu } from '../gpu/device.ts';
import { readFloats } from '../gpu/transfer.ts';
import { GraftError } from '../lib/errors.ts';
import { createRandom } from '../lib/random.ts';
import { loadAdapter } from '../model/adapterFiles.ts';
import { uploadBatch } from '../model/batchTensors.ts';
import { Decoder, withoutAdapter, type AdapterUse } from '../model/decoder.ts';
import { logitsOf } from '../model/head.ts';
import { openModelFiles, type ModelFiles } from '../model/openModel.ts';
import { StreamedWeights } from '../model/streamedWeights.ts';
import type { Folder } from '../storage/types.ts';
import { roundingError } from './mergeTensor.ts';

/** What the proof measured. It throws rather than return when something does not hold. */
export interface MergeProof {
  tensors: number;
  changedTensors: number;
  bytes: number;
  /** Largest |merged − (base + adapter)| over the proof's logits, and what rounding the weights allows. */
  maxLogitDifference: number;
  allowedLogitDifference: number;
}

/** Tokens the two models are compared on. */
const PROOF_TOKENS = 32;
/** Rows of each merged tensor that are computed again in f64. */
const PROOF_ROWS = 4;
const COMPARE_BYTES = 16 * 1024 * 1024;

/** Half a unit in the last place, as a share of the value. */
const rounding: Record<string, number> = { F32: 2 ** -24, F16: 2 ** -11, BF16: 2 ** -8 };

/**
 * Reads a merged model back and proves it: the same names, order, shapes, dtypes and bytes; tensors without an
 * adapter equal to the bit; rows of every other within one rounding of W + scale · B · A; and the logits of the
 * merged model those of base + adapter, within what rounding the weights can move them. Both models run from
 * their files a block at a time, so the peak is one block, not two models.
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
  const changedTensors = await compareTensors(base.checkpoint, merged.checkpoint, adapter, onProgress);
  const logits = await compareLogits(gpu, base, merged, adapter);
  const { tensors, totalBytes: bytes } = merged.checkpoint;
  return { tensors: tensors.size, changedTensors, bytes, ...logits };
}

function compareHeaders(base: Checkpoint, merged: Checkpoint): void {
  const names = [...base.tensors.keys()];
  const found = [...merged.tensors.keys()];
  const odd = names.find((name, i) => name !== found[i]) ?? found[names.length];
  if (odd !== undefined) throw failed(`tensor “${odd}” is missing, extra or out of order`);
  for (const [name, { info }] of base.tensors) {
    const other = merged.get(name).info;
    const same = other.dtype === info.dtype && String(other.shape) === String(info.shape);
    if (!same) throw failed(`tensor “${name}” changed its dtype or shape`);
  }
  if (base.totalBytes !== merged.totalBytes) throw failed('the size changed');
}

async function compareTensors(
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
      const rowBytes = size / module.outFeatures;
      const stride = Math.max(1, Math.floor(module.outFeatures / PROOF_ROWS));
      for (let row = 0; row < module.outFeatures; row += stride) {
        const [before, after] = await both(base, merged, name, row * rowBytes, rowBytes);
        const error = roundingError(info.dtype, before, after, module, row);
        if (!(error <= 1)) throw failed(`row ${row} of “${name}” is not W + scale · B · A`);
      }
    } else {
      for (let at = 0; at < size; at += COMPARE_BYTES) {
        const [before, after] = await both(base, merged, name, at, Math.min(COMPARE_BYTES, size - at));
        if (before.some((byte, i) => byte !== after[i]))
          throw failed(`tensor “${name}” has no adapter, yet changed`);
      }
    }
    onProgress?.((done += size), base.totalBytes);
  }
  return changed;
}

function both(base: Checkpoint, merged: Checkpoint, name: string, offset: number, length: number) {
  return Promise.all([base.readRange(name, offset, length), merged.readRange(name, offset, length)]);
}

async function compareLogits(gpu: Gpu, base: ModelFiles, merged: ModelFiles, peft: PeftAdapter) {
  const adapter = loadAdapter(gpu, base.spec, peft);
  const expected = await proofLogits(gpu, base, { adapter, strength: 1, dropout: null });
  adapter.dispose();
  const actual = await proofLogits(gpu, merged, withoutAdapter);
  let maxLogitDifference = 0;
  let squares = 0;
  for (const [i, logit] of expected.entries()) {
    const difference = Math.abs(logit - actual[i]!);
    // Not Math.max, which a NaN must not slip through.
    if (!(difference <= maxLogitDifference)) maxLogitDifference = difference;
    squares += logit * logit;
  }
  const size = Math.sqrt(squares / expected.length);
  const allowedLogitDifference = allowedDifference(base, peft, size);
  if (!(maxLogitDifference <= allowedLogitDifference)) {
    throw failed(`the logits differ by ${maxLogitDifference}, and rounding allows ${allowedLogitDifference}`);
  }
  return { maxLogitDifference, allowedLogitDifference };
}

/**
 * How far rounding the merged weights may move a logit: each weight moves by at most u of itself, independently,
 * so a product moves by about u of its size, the errors of `depth` products in a row add up as a random walk,
 * and the largest of very many logits lies some eight deviations out. f32 arithmetic adds 1e-4.
 */
function allowedDifference(base: ModelFiles, { modules }: PeftAdapter, size: number): number {
  const dtypes = [...modules.keys()].map((path) => base.checkpoint.get(`${path}.weight`).info.dtype);
  const u = Math.max(...dtypes.map((dtype) => rounding[dtype] ?? 0));
  const depth = Math.sqrt(modules.size);
  return size * (8 * u * depth + 1e-4);
}

/** Logits [PROOF_TOKENS, V] of a fixed text of random tokens. */
async function proofLogits(gpu: Gpu, files: ModelFiles, use: AdapterUse): Promise<Float32Array> {
  const { spec, checkpoint } = files;
  const random = createRandom(0);
  const length = Math.min(PROOF_TOKENS, spec.maxPositions);
  const index = Uint32Array.from({ length }, (_, i) => i);
  const weights = new StreamedWeights(gpu, spec, checkpoint);
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
    const hidden = await decoder.forward(decoder.pass(batch, use), batch, false);
    const logits = await logitsOf(decoder, hidden[spec.layers]!, batch.targetRows, length);
    decoder.commands.submit();
    return await readFloats(gpu, logits);
  } finally {
    decoder.dispose();
    weights.dispose();
  }
}

function failed(detail: string): GraftError {
  return new GraftError('merge.proof_failed', { detail });
}
