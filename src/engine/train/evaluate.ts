import { buildMicroBatch, type MicroBatch } from '../../content/data/tokens/microBatch.ts';
import type { TokenRows } from '../../content/data/tokens/tokenRows.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { readFloats } from '../gpu/transfer.ts';
import type { LogitForm } from '../kernels/logits.ts';
import { uploadBatch } from '../model/decoder/batchTensors.ts';
import type { AdapterUse, Decoder } from '../model/decoder/decoder.ts';
import { headLosses } from '../model/decoder/head.ts';

/** Mean loss over every target of a data set, each times its weight, and how many targets there were. */
export interface Evaluation {
  loss: number;
  tokens: number;
}

/** The loss on rows that are not trained on, as a step's: Σ weight · loss over all targets ÷ their number. */
export async function evaluate(
  decoder: Decoder,
  use: AdapterUse,
  dataset: TokenRows,
  batchSize: number,
): Promise<Evaluation> {
  const rows = dataset.offsets.length - 1;
  let sum = 0;
  let tokens = 0;
  for (const some of inOrder(rows, batchSize)) {
    const batch = buildMicroBatch(dataset, [some]);
    if (batch.targetRows.length === 0) continue;
    const values = await targetLosses(decoder, use, batch);
    for (const value of values) sum += value;
    tokens += values.length;
  }
  return { loss: tokens === 0 ? Number.NaN : sum / tokens, tokens };
}

/** Rows 0 … rows − 1 in batches. */
export function* inOrder(rows: number, batchSize: number): Generator<number[]> {
  for (let start = 0; start < rows; start += batchSize)
    yield Array.from({ length: Math.min(batchSize, rows - start) }, (_, i) => start + i);
}

/** The loss of each target of a micro-batch, times its weight, [R], R > 0. */
export async function targetLosses(
  decoder: Decoder,
  use: AdapterUse,
  batch: MicroBatch,
): Promise<Float32Array<ArrayBuffer>> {
  return (await targetLossesOf(decoder, use, [batch]))[0]!;
}

/**
 * `targetLosses` of several micro-batches, which pass each block together: streamed weights are read once.
 * @param read reads them back
 * @param form of the logits, in place of the model's
 */
export async function targetLossesOf(
  decoder: Decoder,
  use: AdapterUse,
  batches: readonly MicroBatch[],
  read = (losses: Tensor) => readFloats(decoder.gpu, losses),
  form?: LogitForm,
): Promise<Float32Array<ArrayBuffer>[]> {
  const { workspace, commands, gpu } = decoder;
  // The uploads overwrite micro-batches before: their commands must be on their way.
  commands.submit();
  const sequences = batches.map((batch, i) => {
    const name = nameOfBatch(i);
    const tensors = uploadBatch(gpu, workspace, batch, { name });
    return { batch: tensors, pass: decoder.pass(tensors, { ...use, dropout: null }), name };
  });
  const hidden = await decoder.forwardLast(sequences);
  const inputs = sequences.map(({ batch, name }, i) => ({
    batch,
    name,
    hidden: hidden[i]!,
    losses: workspace.get(`losses${name}`, 'f32', [batch.targets], 'loss'),
    dHidden: null,
    form,
  }));
  await headLosses(decoder, { ...use, dropout: null }, inputs, { scale: 0, grads: [] });
  commands.submit();
  const losses: Float32Array<ArrayBuffer>[] = [];
  for (const input of inputs) losses.push(await read(input.losses));
  return losses;
}

/** Distinguishes the tensors of micro-batches that are processed together; the first has the usual names. */
export function nameOfBatch(i: number): string {
  return i === 0 ? '' : ` of ${i + 1}`;
}
