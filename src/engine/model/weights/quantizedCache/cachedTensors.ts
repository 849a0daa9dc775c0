import type { TensorEntry } from '../../../../content/formats/safetensorsLayout.ts';
import { nestedBlockSize, nf4BlockSize } from '../../../../content/formats/quantized/codebooks.ts';
import type { Tensor } from '../../../gpu/tensor.ts';
import { NESTED_HEAD } from '../../../kernels/quantize.ts';
import { CODES_PER_WORD, type WeightChunk } from '../../../kernels/weight.ts';
import type { ModelFiles } from '../../spec/openModel.ts';
import { matricesOf } from '../../spec/spec.ts';
import { quantizeOf, type FourBits } from '../fourBits.ts';

/** A linear matrix that is quantized while loading. */
export interface QuantizedMatrix {
  /** Name of its weight in the checkpoint. */
  tensor: string;
  rows: number;
  cols: number;
  doubleQuant: boolean;
}

/** The matrices that QLoRA quantizes: linear layers of blocks that are stored in floats. */
export function quantizedMatrices({ spec, matrices }: ModelFiles, quantize: FourBits): QuantizedMatrix[] {
  return [...matricesOf(spec)].flatMap((matrix) => {
    const { module, rows, cols } = matrix;
    const stored = matrices.get(module);
    const own = quantizeOf(matrix, quantize);
    return own && stored?.kind === 'float' ? [{ tensor: stored.tensor, rows, cols, ...own }] : [];
  });
}

/**
 * The tensors of such a matrix on disk: as on the GPU (see `WeightChunk`), chunk after chunk, so that plain copies load
 * them. Codes are U32 [rows, ⌈cols / 8⌉]; scales F32 [blocks], or with double quantization U32 [⌈blocks / 4⌉] of four
 * codes each, and nested F32 [257 + nested blocks].
 */
export function cachedEntries({ tensor, rows, cols, doubleQuant }: QuantizedMatrix): TensorEntry[] {
  const names = cachedNames(tensor);
  const blocks = Math.ceil((rows * cols) / nf4BlockSize);
  const codes = { name: names.codes, dtype: 'U32', shape: [rows, Math.ceil(cols / CODES_PER_WORD)] };
  if (!doubleQuant) return [codes, { name: names.scales, dtype: 'F32', shape: [blocks] }];
  return [
    codes,
    { name: names.scales, dtype: 'U32', shape: [Math.ceil(blocks / 4)] },
    { name: names.nested, dtype: 'F32', shape: [NESTED_HEAD + Math.ceil(blocks / nestedBlockSize)] },
  ];
}

/** The names of those tensors. */
export function cachedNames(tensor: string): { codes: string; scales: string; nested: string } {
  return { codes: `${tensor}.codes`, scales: `${tensor}.scales`, nested: `${tensor}.nested` };
}

/** For each tensor of a chunk: its name on disk, the byte offset there, and the GPU tensor. */
export function* cachedRangesOf(
  tensor: string,
  chunk: WeightChunk,
): Generator<{ name: string; at: number; from: Tensor }> {
  const { rowStart, cols, data, scales, nested } = chunk;
  const names = cachedNames(tensor);
  const first = (rowStart * cols) / nf4BlockSize;
  yield { name: names.codes, at: 4 * rowStart * Math.ceil(cols / CODES_PER_WORD), from: data };
  if (scales) yield { name: names.scales, at: nested ? first : 4 * first, from: scales };
  if (!nested) return;
  // Offset and map are the same in all chunks.
  if (rowStart === 0) yield { name: names.nested, at: 0, from: nested };
  else {
    const at = 4 * (NESTED_HEAD + first / nestedBlockSize);
    yield { name: names.nested, at, from: afterHead(nested) };
  }
}

function afterHead(nested: Tensor): Tensor {
  const [length = 0] = nested.shape;
  return { ...nested, offset: nested.offset + 4 * NESTED_HEAD, shape: [length - NESTED_HEAD] };
}
