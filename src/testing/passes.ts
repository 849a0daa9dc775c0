import { buildMicroBatch, type MicroBatch } from '../content/data/tokens/microBatch.ts';
import { tokenRowsOf, type TokenRows } from '../content/data/tokens/tokenRows.ts';
import type { Gpu } from '../engine/gpu/device.ts';
import { Commands } from '../engine/gpu/commands.ts';
import { elementsOf, type Tensor } from '../engine/gpu/tensor.ts';
import { readFloats } from '../engine/gpu/transfer.ts';
import { createRandom } from '../base/lib/random.ts';
import { uploadBatch } from '../engine/model/decoder/batchTensors.ts';
import type { AdapterUse, Decoder } from '../engine/model/decoder/decoder.ts';
import { headLoss } from '../engine/model/decoder/head.ts';
import { readLogits } from '../engine/model/decoder/logits.ts';
import type { LoraAdapter } from '../engine/model/trained/loraAdapter.ts';
import type { LoraModule } from '../engine/model/trained/loraModules.ts';
import type { ParameterBuffers } from '../engine/model/decoder/parameters.ts';
import type { Dropout } from '../engine/model/decoder/pass.ts';
import type { Trainable } from '../engine/model/trained/trainable.ts';

/** Rows of random tokens of these lengths; the first `masked` of each row are not trained. */
export function randomRows(lengths: readonly number[], { vocab = 40, masked = 1, seed = 3 } = {}): TokenRows {
  const random = createRandom(seed);
  return tokenRowsOf(
    lengths.map((length) => {
      const ids = Array.from({ length }, () => random.below(vocab));
      return { ids, labels: ids.map((id, i) => (i < masked ? -100 : id)) };
    }),
  );
}

/** Rows with per-token weights: zero, tiny, less than 1, and more. */
export function weighted(rows: TokenRows): TokenRows {
  return { ...rows, weights: Float32Array.from(rows.ids, (_, i) => [1, 0.25, 3, 0, 1e-6, 1.7, 0.6][i % 7]!) };
}

/** A micro-batch of some rows (by default all), each its own segment. */
export function batchOf(
  rows: TokenRows,
  which: readonly number[] = Array.from({ length: rows.offsets.length - 1 }, (_, i) => i),
): MicroBatch {
  return buildMicroBatch(rows, [which]);
}

/** Small random values in every A and B, so that the adapter changes the model's output. */
export function randomizeAdapter(adapter: LoraAdapter, seed = 5, scale = 0.3): void {
  const random = createRandom(seed);
  const values = (length: number) => Float32Array.from({ length }, () => scale * (2 * random.next() - 1));
  for (const module of adapter.modules) {
    const { inFeatures, outFeatures } = module.linear;
    adapter.write(module, { a: values(module.rank * inFeatures), b: values(module.rank * outFeatures) });
  }
}

/** The values of parameters or gradients, buffer after buffer. */
export async function readBuffers(gpu: Gpu, buffers: ParameterBuffers): Promise<Float32Array<ArrayBuffer>> {
  const parts = await Promise.all(buffers.map((buffer) => readFloats(gpu, buffer)));
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Each module with its part of the result of `readBuffers`, as views. */
export function modulesOf(
  adapter: LoraAdapter,
  flat: Float32Array,
): { module: LoraModule; a: Float32Array; b: Float32Array }[] {
  return adapter.modules.map((module) => {
    const pair = adapter.pair(module.layer, module.linear.path)!;
    const part = (tensor: Tensor) => {
      const segment = adapter.params.findIndex(({ buffer }) => buffer === tensor.buffer);
      const before = adapter.segments.slice(0, segment).reduce((sum, { count }) => sum + count, 0);
      const start = before + tensor.offset / 4;
      return flat.subarray(start, start + elementsOf(tensor));
    };
    return { module, a: part(pair.a), b: part(pair.b) };
  });
}

/** The loss of each target, and the gradients of their mean, buffer after buffer. */
export async function lossesAndGrads(
  decoder: Decoder,
  adapter: Trainable,
  batch: MicroBatch,
  { dropout = null, strength = 1 }: { dropout?: Dropout | null; strength?: number } = {},
): Promise<{ losses: Float32Array; grads: Float32Array }> {
  const { gpu, workspace, spec, commands } = decoder;
  const tensors = uploadBatch(gpu, workspace, batch, {
    withTokenPositions: adapter.vocabulary('embedding') !== null,
  });
  const pass = decoder.pass(tensors, { adapter, strength, dropout });
  const hidden = await decoder.forward(pass, tensors, true);
  const dHidden = workspace.get('dHidden', 'f32', [tensors.rows, spec.hiddenSize]);
  const losses = workspace.get('losses', 'f32', [tensors.targets]);
  const grads = adapter.makeGradients();
  await headLoss(decoder, pass, tensors, {
    hidden: hidden[spec.layers]!,
    losses,
    scale: 1 / tensors.targets,
    backward: { dHidden, grads },
  });
  await decoder.backward(pass, hidden, dHidden, grads);
  commands.submit();
  const result = { losses: await readFloats(gpu, losses), grads: await readBuffers(gpu, grads) };
  for (const buffer of grads) gpu.memory.free(buffer);
  return result;
}

/** Logits [T, V] of every token of one sequence, by a full forward pass. */
export async function logitsOfSequence(
  decoder: Decoder,
  use: AdapterUse,
  ids: readonly number[],
): Promise<Float32Array> {
  const batch = batchOf(tokenRowsOf([{ ids, labels: ids }]));
  return readLogits(decoder, use, uploadBatch(decoder.gpu, decoder.workspace, batch));
}

/** The same device with a lower binding size limit, so that small matrices are split too. */
export function withMaxBinding(gpu: Gpu, maxBinding: number): Gpu {
  const { device, memory, kernels, description, hasF16, hasTimestamps, choices, lost } = gpu;
  const { subgroupSize, hasSubgroups, kernelKind } = gpu;
  const limited: Gpu = {
    device,
    memory,
    kernels,
    description,
    hasF16,
    hasTimestamps,
    subgroupSize,
    hasSubgroups,
    kernelKind,
    choices,
    lost,
    maxBinding,
    dry: gpu.dry,
    commands: () => new Commands(limited),
    throwIfFailed: () => gpu.throwIfFailed(),
    destroy: () => gpu.destroy(),
  };
  return limited;
}
