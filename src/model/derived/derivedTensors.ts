import type { TensorEntry } from '../../formats/safetensorsLayout.ts';
import { nestedBlockSize, nf4BlockSize } from '../../formats/quantized/codebooks.ts';
import type { Tensor } from '../../gpu/tensor.ts';
import { NESTED_HEAD } from '../../kernels/quantize.ts';
import { CODES_PER_WORD, type WeightChunk } from '../../kernels/weight.ts';
import type { ModelFiles } from '../openModel.ts';
import { matricesOf } from '../spec.ts';

/** A linear matrix that is quantized as it is loaded. */
export interface QuantizedMatrix {
  /** Name of its weight in the checkpoint. */
  tensor: string;
  rows: number;
  cols: number;
}

/** The matrices of a model that QLoRA quantizes: linear layers of blocks that are stored in floats. */
export function quantizedMatrices({ spec, matrices }: ModelFiles): QuantizedMatrix[] {
  return [...matricesOf(spec)].flatMap(({ module, rows, cols, linear }) => {
    const stored = matrices.get(module);
    return linear && stored?.kind === 'float' ? [{ tensor: stored.tensor, rows, cols }] : [];
  });
}

/**
 * The tensors of such a matrix as they are kept on disk: what the GPU holds (see `WeightChunk`), chunk after chunk, so that
 * they come back by plain copies. Codes are [rows, ⌈cols / 8⌉] words; scales F32 [blocks], or with double quantization
 * words of four codes and beside them F32 [257 + nested blocks].
 */
export function derivedEntries({ tensor, rows, cols }: QuantizedMatrix, doubleQuant: boolean): TensorEntry[] {
  const names = derivedNames(tensor);
  const blocks = Math.ceil((rows * cols) / nf4BlockSize);
  const codes = { name: names.codes, dtype: 'U32', shape: [rows, Math.ceil(cols / CODES_PER_WORD)] };
  if (!doubleQuant) return [codes, { name: names.scales, dtype: 'F32', shape: [blocks] }];
  return [
    codes,
    { name: names.scales, dtype: 'U32', shape: [Math.ceil(blocks / 4)] },
    { name: names.nested, dtype: 'F32', shape: [NESTED_HEAD + Math.ceil(blocks / nestedBlockSize)] },
  ];
}

/** Names of those tensors. */
export function derivedNames(tensor: string): { codes: string; scales: string; nested: string } {
  return { codes: `${tensor}.codes`, scales: `${tensor}.scales`, nested: `${tensor}.nested` };
}

/** Where the bytes of a chunk go: a tensor of the GPU, and the byte of the tensor on disk at which it begins. */
export function* placesOf(
  tensor: string,
  chunk: WeightChunk,
): Generator<{ name: string; at: number; from: Tensor }> {
  const { rowStart, cols, data, scales, nested } = chunk;
  const names = derivedNames(tensor);
  const first = (rowStart * cols) / nf4BlockSize;
  yield { name: names.codes, at: 4 * rowStart * Math.ceil(cols / CODES_PER_WORD), from: data };
  if (scales) yield { name: names.scales, at: nested ? first : 4 * first, from: scales };
  if (!nested) return;
  // Offset and map are the same in every chunk.
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
