import type { ShaderConstants } from '../gpu/assemble.ts';
import type { Tensor } from '../gpu/tensor.ts';

/** Floats: f32, or f16 / bf16 packed two to a u32. */
export type FloatFormat = 'f32' | 'f16' | 'bf16';

/** How the elements of a matrix are stored in GPU memory; shaders/lib/weight.wgsl decodes them. */
export type Encoding =
  | { format: FloatFormat }
  | {
      /** Codes of bitsandbytes' 4-bit codebooks, times the absmax of a block of the flattened matrix. */
      format: 'nf4' | 'fp4';
      blockSize: number;
      /** Number of absmax that share a second-level absmax if they are 8-bit codes themselves, else null. */
      nestedBlockSize: number | null;
    }
  | {
      /** scale · (code − zero) per row and group of columns (GPTQ, AWQ). */
      format: 'int4';
      groupSize: number;
      groups: number;
      scale: 'f16' | 'bf16';
    }
  | {
      /** 8-bit codes times the scale of their block of 64 columns. */
      format: 'int8';
    };

/** Rows `rowStart` … `rowStart + rows − 1` of a weight; they start a block if it has blocks. */
export interface WeightChunk {
  rowStart: number;
  rows: number;
  cols: number;
  encoding: Encoding;
  /** f32 [rows·cols]; u32 [⌈rows·cols/2⌉] of packed halves; u32 [rows, ⌈cols/8⌉] of 4-bit codes, [rows, ⌈cols/4⌉] of 8-bit ones. */
  data: Tensor;
  /** nf4, fp4: f32 [blocks], or u32 [⌈blocks/4⌉] if nested. int4: u32 [rows, groups], scale and zero. int8: f32 [rows, ⌈cols/64⌉]. */
  scales?: Tensor;
  /** f32 [257 + nested blocks]: offset, the 8-bit map, the absmax of each nested block. */
  nested?: Tensor;
  /** u32 [cols]: the group of each column, if they are not in order. */
  groupIndex?: Tensor;
}

/** A matrix [rows, cols], split by rows so that no binding exceeds the adapter's limit. */
export interface Weight {
  rows: number;
  cols: number;
  chunks: readonly WeightChunk[];
}

/** 4-bit codes per word. */
export const CODES_PER_WORD = 8;

/** Columns that share the scale of 8-bit codes. */
export const INT8_BLOCK = 64;

/** The constants and tensors through which a shader with lib/weight.wgsl reads `w`: a chunk, or a plain matrix. */
export function weightInput(w: Tensor | WeightChunk): {
  constants: ShaderConstants;
  tensors: Record<string, Tensor>;
} {
  if (!('data' in w)) return { constants: { W: w.type, Q4: false }, tensors: { w } };
  const { encoding, data, cols, scales, nested, groupIndex } = w;
  if (!scales) return { constants: { W: encoding.format, Q4: false }, tensors: { w: data } };
  if (encoding.format === 'int8')
    return { constants: { W: 'int8', Q4: false, BLOCK: INT8_BLOCK }, tensors: { w: data, scales } };
  if (encoding.format === 'int4') {
    const { groupSize, groups, scale } = encoding;
    const aligned = groupSize % CODES_PER_WORD === 0 && !groupIndex;
    const layout = { Q4: true, BLOCK: groupSize, ALIGNED: aligned, GROUPS: groups };
    return {
      constants: { W: 'int4', ...layout, SCALE: scale, ORDERED: groupIndex !== undefined },
      tensors: { w: data, scales, ...(groupIndex && { group_index: groupIndex }) },
    };
  }
  const { format, blockSize, nestedBlockSize } = encoding as Extract<Encoding, { blockSize: number }>;
  const layout = { Q4: true, BLOCK: blockSize, ALIGNED: cols % CODES_PER_WORD === 0 };
  return {
    constants: {
      W: format,
      ...layout,
      NESTED: nested !== undefined,
      ...(nestedBlockSize !== null && { NESTED_BLOCK: nestedBlockSize }),
    },
    tensors: { w: data, scales, ...(nested && { nested }) },
  };
}
