import type { CachedModel } from './quantizedCache/cachedModel.ts';

/** How weights are kept in GPU memory, where that is not as their files have them. */
export interface WeightStorage {
  /** F32 matrices as f16. */
  halve: boolean;
  /** Float linear layers of blocks in 4 bits; null leaves them. What is quantized already stays as it is. */
  quantize: null | { doubleQuant: boolean };
  /** The head in fewer bits, of its own if it is tied; null as it is stored. One that is quantized already stays as it is. */
  head?: HeadStorage | null;
  /** Where what was quantized is kept on disk for later loads. */
  derived?: CachedModel | null;
}

/** 8 bits in blocks of 64 columns, or NF4. */
export type HeadStorage = { form: 'int8' } | { form: 'nf4'; doubleQuant: boolean };

/** Weights as their files have them. */
export const asStored: WeightStorage = { halve: false, quantize: null };
