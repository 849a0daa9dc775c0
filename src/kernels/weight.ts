import type { Tensor } from '../gpu/tensor.ts';

/** How a frozen weight is kept in GPU memory: f32, or f16 / bf16 packed two to a u32 (see lib/weight.wgsl). */
export type WeightFormat = 'f32' | 'f16' | 'bf16';

/** Rows `rowStart` … `rowStart + rows − 1` of a weight. Packed formats have type u32, shape [⌈rows·cols/2⌉]. */
export interface WeightChunk {
  rowStart: number;
  rows: number;
  data: Tensor;
}

/** A matrix [rows, cols], split by rows so that no binding exceeds the adapter's limit. */
export interface Weight {
  rows: number;
  cols: number;
  format: WeightFormat;
  chunks: readonly WeightChunk[];
}
