import { bf16ToF32, f16ToF32, f32ToBf16, f32ToF16 } from '../base/lib/floats.ts';
import type { Commands } from '../engine/gpu/commands.ts';
import type { Gpu } from '../engine/gpu/device.ts';
import type { ElementType } from '../engine/gpu/tensor.ts';
import { upload } from '../engine/gpu/transfer.ts';
import type { FloatFormat, Weight } from '../engine/kernels/weight.ts';
import type { Tolerance } from './compare.ts';

/** Records and submits commands. */
export function submit(gpu: Gpu, record: (commands: Commands) => void): void {
  const commands = gpu.commands();
  record(commands);
  commands.submit();
  commands.dispose();
}

/** The values that a tensor of this type or format holds when given `values`: rounded once. */
export function asStored(values: Float32Array, type: ElementType | FloatFormat): Float32Array<ArrayBuffer> {
  if (type === 'f16') return f16ToF32(f32ToF16(values));
  if (type === 'bf16') return bf16ToF32(f32ToBf16(values));
  return Float32Array.from(values);
}

/** The tolerance for one rounding to the type, on top of f32 arithmetic with tolerance `f32`. */
export function toleranceOf(type: ElementType, f32: Required<Tolerance>): Tolerance {
  return type === 'f16' ? { atol: f32.atol + 2 ** -25, rtol: f32.rtol + 2 ** -11 } : f32;
}

/** Uploads [rows, cols] to the GPU in its own dtype, in chunks of at most `chunkRows` rows. */
export function weightOf(
  gpu: Gpu,
  values: Float32Array,
  [rows, cols]: readonly [number, number],
  format: FloatFormat,
  chunkRows = rows,
): Weight {
  const chunks = Array.from({ length: Math.ceil(rows / chunkRows) }, (_, i) => {
    const rowStart = i * chunkRows;
    const count = Math.min(chunkRows, rows - rowStart);
    const part = values.slice(rowStart * cols, (rowStart + count) * cols);
    if (format === 'f32') {
      const data = gpu.memory.tensor('f32', [count, cols], 'test');
      upload(gpu, data, part);
      return { rowStart, rows: count, cols, encoding: { format }, data };
    }
    const data = gpu.memory.tensor('u32', [Math.ceil(part.length / 2)], 'test');
    upload(gpu, data, format === 'f16' ? f32ToF16(part) : f32ToBf16(part));
    return { rowStart, rows: count, cols, encoding: { format }, data };
  });
  return { rows, cols, chunks };
}
