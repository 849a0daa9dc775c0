import { f32ToF16 } from '../base/lib/floats.ts';
import type { Gpu } from '../engine/gpu/device.ts';
import type { ElementType, Tensor } from '../engine/gpu/tensor.ts';
import { readBytes, upload } from '../engine/gpu/transfer.ts';

/** Uploads values to the GPU: floats as f32 (or rounded to f16), integers as u32. */
export function tensorOf(
  gpu: Gpu,
  values: Float32Array | Uint32Array,
  shape: readonly number[],
  type: ElementType = values instanceof Uint32Array ? 'u32' : 'f32',
): Tensor {
  const tensor = gpu.memory.tensor(type, shape, 'test');
  upload(gpu, tensor, type === 'f16' ? f32ToF16(values as Float32Array) : values);
  return tensor;
}

/** A zeroed tensor on the GPU. */
export function zeros(gpu: Gpu, shape: readonly number[], type: ElementType = 'f32'): Tensor {
  return gpu.memory.tensor(type, shape, 'test');
}

/** Reads a u32 tensor back. */
export async function readWords(gpu: Gpu, tensor: Tensor): Promise<Uint32Array> {
  const bytes = await readBytes(gpu, tensor);
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}
