import { slice } from '../../gpu/tensor.ts';
import { readFloats, upload } from '../../gpu/transfer.ts';
import type { BatchTensors } from './batchTensors.ts';
import type { AdapterUse, Decoder } from './decoder.ts';
import { logitRows, logitsOf } from './head.ts';

/** Reads back the logits [T, V] of every token of a batch; computed a chunk of rows at a time, like the loss. */
export async function readLogits(
  decoder: Decoder,
  use: AdapterUse,
  batch: BatchTensors,
): Promise<Float32Array<ArrayBuffer>> {
  const { gpu, workspace, spec, commands } = decoder;
  const { rows } = batch;
  const hidden = await decoder.forward(decoder.pass(batch, { ...use, dropout: null }), batch, false);
  const index = workspace.get('every row', 'u32', [rows]);
  upload(
    gpu,
    index,
    Uint32Array.from({ length: rows }, (_, i) => i),
  );
  const all = new Float32Array(rows * spec.vocabSize);
  const step = logitRows(rows, spec.hiddenSize, spec.vocabSize, gpu.maxBinding);
  for (let start = 0; start < rows; start += step) {
    const count = Math.min(step, rows - start);
    const logits = await logitsOf(decoder, use, hidden[spec.layers]!, slice(index, start, [count]), count);
    commands.submit();
    all.set(await readFloats(gpu, logits), start * spec.vocabSize);
  }
  return all;
}
