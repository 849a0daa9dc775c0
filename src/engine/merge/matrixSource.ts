import type { Checkpoint } from '../../content/formats/checkpoint.ts';
import type { Quantization, StoredMatrix } from '../../content/formats/quantized/types.ts';

/** The matrix [rows, cols] of the base that an adapter is added to. */
export interface MatrixSource {
  checkpoint: Checkpoint;
  quantization: Quantization | null;
  module: string;
  rows: number;
  cols: number;
  stored: StoredMatrix;
  /** The NF4 quantization that a float matrix goes through, as in training; null for none. */
  nf4: null | { doubleQuant: boolean };
}
