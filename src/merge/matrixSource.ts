import type { Checkpoint } from '../formats/checkpoint.ts';
import type { Quantization, StoredMatrix } from '../formats/quantized/types.ts';

/** Where the numbers come from that an adapter is added to: a matrix [rows, cols] of the base. */
export interface MatrixSource {
  checkpoint: Checkpoint;
  quantization: Quantization | null;
  module: string;
  rows: number;
  cols: number;
  stored: StoredMatrix;
  /** The NF4 that a float matrix goes through, as in training; null takes it as it is. */
  nf4: null | { doubleQuant: boolean };
}
