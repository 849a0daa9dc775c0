import { buildMicroBatch, type MicroBatch } from '../data/microBatch.ts';
import type { TokenRows } from '../data/tokenRows.ts';
import { readFloats } from '../gpu/transfer.ts';
import { uploadBatch } from '../model/batchTensors.ts';
import type { AdapterUse, Decoder } from '../model/decoder.ts';
import { headLoss } from '../model/head.ts';

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
  for (let start = 0; start < rows; start += batchSize) {
    const count = Math.min(batchSize, rows - start);
    const batch = buildMicroBatch(dataset, [Array.from({ length: count }, (_, i) => start + i)]);
    if (batch.targetRows.length === 0) continue;
    const values = await lossesOf(decoder, use, batch);
    for (const value of values) sum += value;
    tokens += values.length;
  }
  return { loss: tokens === 0 ? Number.NaN : sum / tokens, tokens };
}

/** The loss of each target of a micro-batch, times its weight, [R], R > 0. */
export async function lossesOf(
  decoder: Decoder,
  use: AdapterUse,
  batch: MicroBatch,
): Promise<Float32Array<ArrayBuffer>> {
  const { workspace, commands, spec, gpu } = decoder;
  // The upload overwrites the micro-batch before: its commands must be on their way.
  commands.submit();
  const tensors = uploadBatch(gpu, workspace, batch);
  const pass = decoder.pass(tensors, { ...use, dropout: null });
  const hidden = await decoder.forward(pass, tensors, false);
  const losses = workspace.get('losses', 'f32', [tensors.targets], 'loss');
  await headLoss(decoder, pass, tensors, { hidden: hidden[spec.layers]!, losses, scale: 0 });
  commands.submit();
  return readFloats(gpu, losses);
}
