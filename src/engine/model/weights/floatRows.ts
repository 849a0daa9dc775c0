import type { PeftSaved } from '../../../content/formats/peftSaved.ts';
import type { Gpu } from '../../gpu/device.ts';
import { readFloats, upload } from '../../gpu/transfer.ts';
import type { Weight } from '../../kernels/weight.ts';

/** Elements uploaded at a time. */
const PIECE = 4 * 1024 * 1024;

/** Overwrites an f32 matrix with one that is read some rows at a time. */
export async function writeRows(gpu: Gpu, { chunks, cols }: Weight, values: PeftSaved): Promise<void> {
  const step = Math.max(1, Math.floor(PIECE / cols));
  for (const { data, rowStart, rows } of chunks) {
    for (let row = 0; row < rows; row += step) {
      const piece = await values.read(rowStart + row, Math.min(step, rows - row));
      upload(gpu, { ...data, offset: data.offset + 4 * row * cols }, piece);
    }
  }
}

/** An f32 matrix as the writer of a file reads it: some rows at a time, from the GPU. */
export function readableRows(gpu: Gpu, { rows, cols, chunks }: Weight): PeftSaved {
  return {
    rows,
    cols,
    read: async (first, count) => {
      const values = new Float32Array(count * cols);
      for (const { data, rowStart, rows: own } of chunks) {
        const from = Math.max(first, rowStart);
        const until = Math.min(first + count, rowStart + own);
        if (from >= until) continue;
        const offset = data.offset + 4 * (from - rowStart) * cols;
        values.set(
          await readFloats(gpu, { ...data, offset, shape: [until - from, cols] }),
          (from - first) * cols,
        );
      }
      return values;
    },
  };
}
