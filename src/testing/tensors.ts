import { f32ToF16 } from '../formats/floats.ts';
import type { Gpu } from '../gpu/device.ts';
import type { ElementType, Tensor } from '../gpu/tensor.ts';
import { upload } from '../gpu/transfer.ts';

/** Puts values on the GPU: floats as f32 (or rounded to f16), integers as u32. */
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
