import type { Checkpoint } from '../../../../content/formats/checkpoint.ts';
import { slice } from '../../../gpu/tensor.ts';
import { uploadBytes } from '../../../gpu/transfer.ts';
import { NESTED_BLOCK, NESTED_HEAD, NF4_BLOCK } from '../../../kernels/quantize.ts';
import { CODES_PER_WORD, type Weight, type WeightChunk } from '../../../kernels/weight.ts';
import { cachedNames, type QuantizedMatrix } from '../quantizedCache/cachedTensors.ts';
import type { LoadContext } from './loadContext.ts';
import { chunkRanges, codesOf } from './nf4Matrix.ts';
import type { BufferSlice } from './loadContext.ts';

/**
 * Loads a matrix quantized by an earlier run: the tensors of `loadNf4Matrix`, bit for bit and in the same buffers, by
 * plain copies.
 * @param derived holds the tensors of `cachedEntries`
 * @param target the destination, instead of separate tensors; not with doubleQuant
 */
export async function loadCachedMatrix(
  context: LoadContext,
  derived: Checkpoint,
  { tensor, rows, cols, doubleQuant }: QuantizedMatrix,
  target: BufferSlice | null = null,
): Promise<Weight> {
  const names = cachedNames(tensor);
  const words = Math.ceil(cols / CODES_PER_WORD);
  const blocks = Math.ceil((rows * cols) / NF4_BLOCK);
  const groups = Math.ceil(blocks / NESTED_BLOCK);
  const scales = doubleQuant
    ? context.tensor('u32', [(groups * NESTED_BLOCK) / 4], `${tensor} absmax codes`)
    : (target?.scales ?? context.tensor('f32', [blocks], `${tensor} absmax`));
  const scaleBytes = doubleQuant ? 4 * Math.ceil(blocks / 4) : 4 * blocks;
  await context.copy(names.scales, 0, scaleBytes, scales, derived);
  const top = doubleQuant ? await context.read(names.nested, 0, 4 * (NESTED_HEAD + groups), derived) : null;
  const ranges = chunkRanges(context, [rows, cols], NF4_BLOCK);
  const chunks: WeightChunk[] = [];
  for (const range of ranges) {
    const data = target?.data ?? codesOf(context, range.rows, cols, tensor);
    await context.copy(names.codes, 4 * words * range.rowStart, 4 * words * range.rows, data, derived);
    const first = (range.rowStart * cols) / NF4_BLOCK;
    const count = Math.ceil((range.rows * cols) / NF4_BLOCK);
    const chunk = { ...range, cols, data };
    const encoding = { format: 'nf4' as const, blockSize: NF4_BLOCK, nestedBlockSize: null };
    if (!top) {
      chunks.push({ ...chunk, encoding, scales: slice(scales, first, [count]) });
      continue;
    }
    const own = Math.ceil(count / NESTED_BLOCK);
    const nested = context.tensor('f32', [NESTED_HEAD + own], `${tensor} nested absmax`);
    const begin = 4 * (NESTED_HEAD + first / NESTED_BLOCK);
    uploadBytes(context.gpu, nested, top.slice(0, 4 * NESTED_HEAD));
    uploadBytes(
      context.gpu,
      { ...nested, offset: nested.offset + 4 * NESTED_HEAD },
      top.slice(begin, begin + 4 * own),
    );
    chunks.push({
      ...chunk,
      encoding: { ...encoding, nestedBlockSize: NESTED_BLOCK },
      scales: slice(scales, first / 4, [Math.ceil(count / 4)]),
      nested,
    });
  }
  return { rows, cols, chunks };
}
