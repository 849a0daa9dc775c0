/** Codebooks of 4-bit floats in bitsandbytes. */
export type Codebook = 'nf4' | 'fp4';

/** How the linear layers of a checkpoint are quantized, from `quantization_config` of config.json. */
export type Quantization =
  | { method: 'bitsandbytes'; codebook: Codebook; doubleQuant: boolean; skip: readonly string[] }
  | {
      method: 'gptq';
      /** Inputs that share a scale and a zero; null is all of them (−1 in the file). */
      groupSize: number | null;
      symmetric: boolean;
      /** What the file says of its zeros; it can be wrong (see `gptqZeroOffset`). */
      version: 'v1' | 'v2';
    }
  | { method: 'awq'; groupSize: number | null; skip: readonly string[] };

/** A float matrix [rows, cols] under its own dtype: F32, F16 or BF16. */
export interface FloatMatrix {
  kind: 'float';
  tensor: string;
  dtype: string;
}

/** bitsandbytes 4-bit: row-major blocks of the flattened matrix, two codes a byte, the first in the high nibble. */
export interface BnbMatrix {
  kind: 'bnb';
  /** U8 codes. */
  tensor: string;
  codebook: Codebook;
  /** Elements that share an absmax. */
  blockSize: number;
  /** F32 [blocks], or U8 [blocks] codes where nested. */
  absmax: string;
  /** Where absmax is quantized itself: absmax[i] = map[q[i]] · nested[i / blockSize] + offset. */
  nested: null | { absmax: string; map: string; blockSize: number; offset: number };
  /** dtype the matrix had before: 'BF16', 'F16' or 'F32'. */
  dtype: string;
}

/** GPTQ or AWQ int4: w = scale · (code − zero), a scale and a zero for each output and group of inputs. */
export interface Int4Matrix {
  kind: 'gptq' | 'awq';
  /** I32: GPTQ [cols / 8, rows], eight inputs a word; AWQ [cols, rows / 8], eight outputs a word. */
  qweight: string;
  /** I32 [groups, rows / 8]. */
  qzeros: string;
  /** F16 or BF16 [groups, rows]. */
  scales: string;
  scaleDtype: 'F16' | 'BF16';
  /** I32 [cols]: the group of each input, where they are not in order; else null. */
  groupIndex: string | null;
  groupSize: number;
  groups: number;
}

/** Where the numbers of a linear layer's weight [rows, cols] are in a checkpoint. */
export type StoredMatrix = FloatMatrix | BnbMatrix | Int4Matrix;
