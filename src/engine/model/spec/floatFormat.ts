import type { FloatFormat } from '../../kernels/weight.ts';
import { GraftError } from '../../../base/lib/errors.ts';

const formats: Record<string, FloatFormat> = { F32: 'f32', F16: 'f16', BF16: 'bf16' };

/** The GPU storage format of a tensor's dtype, bit for bit. Throws `model.tensor_dtype` naming the tensor. */
export function floatFormat({ name, dtype }: { name: string; dtype: string }): FloatFormat {
  const format = formats[dtype];
  if (!format) throw new GraftError('model.tensor_dtype', { tensor: name, dtype });
  return format;
}
