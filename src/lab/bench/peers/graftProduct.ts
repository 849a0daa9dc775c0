import { f32ToF16 } from '../../../base/lib/floats.ts';
import type { Gpu } from '../../../engine/gpu/device.ts';
import type { ElementType, Tensor } from '../../../engine/gpu/tensor.ts';
import { readFloats, upload } from '../../../engine/gpu/transfer.ts';
import { matmul } from '../../../engine/kernels/matmul.ts';
import { CODES_PER_WORD, type WeightChunk } from '../../../engine/kernels/weight.ts';
import type { Contestant } from './contestant.ts';
import { INT4_ZERO, type FourBit, type ProductShape } from './product.ts';

/** One of Graft's weights: f32, or in 4 bits by rows. */
export type GraftWeight =
  { kind: 'f32'; values: Float32Array<ArrayBuffer> } | { kind: 'nf4' | 'int4'; codes: FourBit };

/**
 * Graft's product, as in forward and backward passes: x · weightᵀ with a weight [n, k] (NT), or x · weight with a
 * weight [k, n] (NN).
 */
export function graftProduct(
  gpu: Gpu,
  { m, n, k }: ProductShape,
  layout: 'NT' | 'NN',
  x: Float32Array<ArrayBuffer>,
  weight: GraftWeight,
): Contestant {
  const owned: Tensor[] = [];
  const tensor = (values: Float32Array | Uint32Array, shape: readonly number[]): Tensor => {
    const type: ElementType = values instanceof Uint32Array ? 'u32' : 'f32';
    const made = gpu.memory.tensor(type, shape, 'bench');
    owned.push(made);
    upload(gpu, made, values);
    return made;
  };
  const [rows, cols] = layout === 'NT' ? [n, k] : [k, n];
  const a = tensor(x, [m, k]);
  const w =
    weight.kind === 'f32'
      ? tensor(weight.values, [rows, cols])
      : chunkOf(weight.kind, weight.codes, rows, cols, tensor);
  const c = tensor(new Float32Array(m * n), [m, n]);
  const commands = gpu.commands();
  const { queue } = gpu.device;
  const run = async (times = 1) => {
    for (let i = 0; i < times; i++) matmul(commands, { layout, a, w, c, m, n, k });
    commands.submit();
    await queue.onSubmittedWorkDone();
  };
  return {
    run,
    async output() {
      await run();
      return readFloats(gpu, c);
    },
    dispose() {
      commands.dispose();
      for (const one of owned) gpu.memory.free(one);
      gpu.throwIfFailed();
    },
  };
}

function chunkOf(
  kind: 'nf4' | 'int4',
  { codes, scales, block }: FourBit,
  rows: number,
  cols: number,
  tensor: (values: Float32Array | Uint32Array, shape: readonly number[]) => Tensor,
): WeightChunk {
  const stride = cols / CODES_PER_WORD;
  const words = new Uint32Array(rows * stride);
  codes.forEach((code, i) => (words[Math.floor(i / CODES_PER_WORD)]! |= code << (4 * (i % CODES_PER_WORD))));
  const range = { rowStart: 0, rows, cols, data: tensor(words, [rows, stride]) };
  if (kind === 'nf4') {
    const encoding = { format: 'nf4', blockSize: block, nestedBlockSize: null } as const;
    return { ...range, encoding, scales: tensor(scales, [scales.length]) };
  }
  const groups = cols / block;
  const pairs = Uint32Array.from(f32ToF16(scales), (half) => half | (INT4_ZERO << 16));
  const encoding = { format: 'int4', groupSize: block, groups, scale: 'f16' } as const;
  return { ...range, encoding, scales: tensor(pairs, [rows, groups]) };
}
