import { decodeFloats } from '../formats/floats.ts';
import type { PeftModule } from '../formats/peft.ts';
import type { Gpu } from '../gpu/device.ts';
import type { ElementType, Tensor } from '../gpu/tensor.ts';
import { readBytes, upload, uploadBytes } from '../gpu/transfer.ts';
import { mergeLora } from '../kernels/mergeLora.ts';
import { floatFormat } from '../model/floatFormat.ts';

/** Bytes of a weight that are merged at once: the peak of a merge, whatever the size of the tensor. */
const BLOCK_BYTES = 16 * 1024 * 1024;

/**
 * Yields W + scale · B · A in W's own dtype, a block of rows after the other: f32 arithmetic, one rounding.
 * @param read gives bytes of W, [outFeatures, inFeatures] in `dtype`
 * @param blockBytes about how large the blocks are
 * Throws `model.tensor_dtype` for a dtype that is not a float.
 */
export async function* mergedBlocks(
  gpu: Gpu,
  tensor: { name: string; dtype: string },
  module: PeftModule,
  read: (offset: number, length: number) => Promise<Uint8Array<ArrayBuffer>>,
  blockBytes = BLOCK_BYTES,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const format = floatFormat(tensor);
  const { inFeatures: cols, outFeatures, rank, scale } = module;
  const width = format === 'f32' ? 4 : 2;
  // 64 rows at a time: blocks then begin at whole words, and their rows of B at multiples of 256 bytes.
  const step = Math.max(64, Math.floor(blockBytes / (cols * width) / 64) * 64);
  const rowsAtOnce = Math.min(step, outFeatures);
  const words = Math.ceil((rowsAtOnce * cols * width) / 4);
  const type = format === 'f32' ? 'f32' : 'u32';
  const owned: Tensor[] = [];
  const allocate = (of: ElementType, shape: number[], label: string) => {
    const made = gpu.memory.tensor(of, shape, label);
    owned.push(made);
    return made;
  };
  const commands = gpu.commands();
  try {
    const w = allocate(type, [words], 'merge source');
    const out = allocate(type, [words], 'merged');
    const a = allocate('f32', [rank, cols], 'merge A');
    const b = allocate('f32', [rowsAtOnce, rank], 'merge B');
    upload(gpu, a, module.a);
    for (let row = 0; row < outFeatures; row += step) {
      const rows = Math.min(step, outFeatures - row);
      const bytes = await read(row * cols * width, rows * cols * width);
      uploadBytes(gpu, w, bytes);
      upload(gpu, b, module.b.subarray(row * rank, (row + rows) * rank));
      mergeLora(commands, { w, format, a, b, out, rows, cols, rank, scale });
      commands.submit();
      const merged = await readBytes(gpu, { ...out, shape: [Math.ceil(bytes.byteLength / 4)] });
      yield merged.subarray(0, bytes.byteLength);
    }
  } finally {
    commands.dispose();
    for (const used of owned) gpu.memory.free(used);
  }
}

/**
 * Whether merged rows are W + scale · B · A within one rounding of the dtype.
 * @param base, @param merged bytes of the same rows of W before and after
 * @param row first of them
 * @returns the largest error as a share of what is allowed: at most 1 when all is well
 */
export function roundingError(
  dtype: string,
  base: Uint8Array<ArrayBuffer>,
  merged: Uint8Array<ArrayBuffer>,
  module: PeftModule,
  row: number,
): number {
  const { inFeatures: cols, rank, scale, a, b } = module;
  const before = decodeFloats(base, dtype);
  const after = decodeFloats(merged, dtype);
  // Half a unit in the last place, as a share of the value, and the smallest step near zero.
  const [half, tiny] =
    dtype === 'BF16' ? [2 ** -8, 2 ** -133] : dtype === 'F16' ? [2 ** -11, 2 ** -25] : [2 ** -24, 2 ** -149];
  // Of f32 sums: each of the operations on a value rounds once.
  const sums = (rank + 4) * 2 ** -24;
  let worst = 0;
  for (let i = 0; i < before.length; i++) {
    const out = row + Math.floor(i / cols);
    let update = 0;
    let magnitude = Math.abs(before[i]!);
    for (let r = 0; r < rank; r++) {
      const term = scale * b[out * rank + r]! * a[r * cols + (i % cols)]!;
      update += term;
      magnitude += Math.abs(term);
    }
    const exact = before[i]! + update;
    const allowed = half * Math.abs(exact) + tiny + sums * magnitude;
    worst = Math.max(worst, Math.abs(after[i]! - exact) / allowed);
  }
  return worst;
}
