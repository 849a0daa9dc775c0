import type { WeightFormat } from '../kernels/weight.ts';
import { GraftError } from '../lib/errors.ts';

const formats: Record<string, WeightFormat> = { F32: 'f32', F16: 'f16', BF16: 'bf16' };

/** How a tensor of this dtype is kept in GPU memory, bit for bit. Throws `model.tensor_dtype` naming the tensor. */
export function weightFormat({ name, dtype }: { name: string; dtype: string }): WeightFormat {
  const format = formats[dtype];
  if (!format) throw new GraftError('model.tensor_dtype', { tensor: name, dtype });
  return format;
}
