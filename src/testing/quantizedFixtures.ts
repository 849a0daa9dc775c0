import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Checkpoint } from '../content/formats/checkpoint.ts';
import { decodeFloats } from '../base/lib/floats.ts';
import { parseQuantization } from '../content/formats/quantized/quantizationConfig.ts';
import type { Quantization } from '../content/formats/quantized/types.ts';
import { openSafetensors } from '../content/formats/safetensors.ts';
import { encodeSafetensors } from '../content/formats/safetensorsWriter.ts';
import type { TensorEntry } from '../content/formats/safetensorsLayout.ts';
import { bytesSource } from '../base/storage/byteSource.ts';

/** A linear layer as stored by another library (formats/quantized/fixtures/README.md). */
export interface FixtureCase {
  name: string;
  checkpoint: Checkpoint;
  /** The original `quantization_config`. */
  config: Record<string, unknown>;
  quantization: Quantization;
  module: string;
  rows: number;
  cols: number;
}

/** A tensor with its bytes. */
export type StoredTensor = TensorEntry & { bytes: Uint8Array<ArrayBuffer> };

const folder = fileURLToPath(new URL('../content/formats/quantized/fixtures/', import.meta.url));

/** Names of the cases that start with `prefix`, such as `gptq`. */
export function fixtureNames(prefix: string): string[] {
  const files = readdirSync(folder).filter(
    (file) => file.startsWith(prefix) && file.endsWith('.safetensors'),
  );
  return files.map((file) => file.replace('.safetensors', ''));
}

/** The tensors of a fixture file. */
export async function openFixture(name: string): Promise<Checkpoint> {
  const file = `${name}.safetensors`;
  return new Checkpoint(file, [
    await openSafetensors(bytesSource(file, new Uint8Array(readFileSync(folder + file)))),
  ]);
}

/** One case. */
export async function openCase(name: string): Promise<FixtureCase> {
  const checkpoint = await openFixture(name);
  const text = checkpoint.files[0]!.file.metadata.get('case')!;
  const {
    quantization_config: config,
    module,
    rows,
    cols,
  } = JSON.parse(text) as {
    quantization_config: Record<string, unknown>;
    module: string;
    rows: number;
    cols: number;
  };
  return { name, checkpoint, config, quantization: parseQuantization(config), module, rows, cols };
}

/** A float tensor of a checkpoint, such as a case's `expected`. */
export async function floatsOf(checkpoint: Checkpoint, tensor: string): Promise<Float32Array> {
  return decodeFloats(await checkpoint.read(tensor), checkpoint.get(tensor).info.dtype, tensor);
}

/** A checkpoint with some tensors changed; null removes one. */
export async function changed(
  checkpoint: Checkpoint,
  changes: Record<string, null | ((tensor: StoredTensor) => Partial<StoredTensor>)>,
): Promise<Checkpoint> {
  const tensors: StoredTensor[] = [];
  for (const { info } of checkpoint.tensors.values()) {
    const { name, dtype, shape } = info;
    const change = changes[name];
    if (change === null) continue;
    const tensor = { name, dtype, shape, bytes: await checkpoint.read(name) };
    tensors.push({ ...tensor, ...change?.(tensor) });
  }
  return checkpointOf(tensors);
}

/** An in-memory checkpoint. */
export async function checkpointOf(tensors: readonly StoredTensor[]): Promise<Checkpoint> {
  const source = bytesSource('model.safetensors', encodeSafetensors(tensors));
  return new Checkpoint('model', [await openSafetensors(source)]);
}
