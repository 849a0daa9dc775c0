import { argmaxRows } from '../../kernels/argmax.ts';
import type { AdapterUse, Decoder } from '../../model/decoder/decoder.ts';
import { logitsOf } from '../../model/decoder/head.ts';
import type { LayerTensors } from '../../model/decoder/mixers/mixer.ts';
import type { StepPart } from './schedule.ts';
import { uploadStep } from './stepTensors.ts';

/** What is read back of a step: the likeliest token of each text, or all of their logits. */
export type StepChoice = 'largest' | 'logits';

/** Of each part that has a request, in their order. */
export interface StepResult {
  /** The likeliest tokens; null where logits were asked for. */
  largest: Uint32Array | null;
  /** [requests, V] */
  logits: Float32Array | null;
}

/** Runs the tokens of a step through the model, and reads back what chooses the next. */
export async function runStep(
  decoder: Decoder,
  use: AdapterUse,
  parts: readonly StepPart[],
  pools: readonly LayerTensors[],
  choice: StepChoice,
): Promise<StepResult> {
  const { commands, workspace, spec } = decoder;
  const { batch, rows } = uploadStep(decoder, parts);
  const pass = decoder.pass(batch, { ...use, dropout: null });
  const states = pools.map((tensors) => ({ tensors, rows }));
  const hidden = await decoder.forward(pass, batch, false, states);
  const count = batch.targets;
  if (count === 0) {
    commands.submit();
    return { largest: null, logits: null };
  }
  const logits = await logitsOf(decoder, use, hidden[spec.layers]!, batch.targetRows, count);
  if (choice === 'logits') {
    commands.submit();
    return { largest: null, logits: await workspace.reader.read(logits) };
  }
  const largest = workspace.get('largest logits', 'u32', [count], 'loss');
  argmaxRows(commands, { x: logits, y: largest, rows: count, columns: spec.vocabSize });
  commands.submit();
  const read = await workspace.reader.read(largest);
  return { largest: new Uint32Array(read.buffer), logits: null };
}
