import { codebooks, nestedBlockSize, nf4BlockSize } from './codebooks.ts';
import { dynamicMap } from './dynamicMap.ts';

/** What bitsandbytes takes for the absmax of smaller blocks, so that 1 / absmax stays finite. */
const smallestAbsmax = Math.fround(1e-38);

/** A matrix in NF4: codes u8 [⌈count / 2⌉], the first in the high nibble, and absmax f32 [⌈count / 64⌉]. */
export interface Nf4 {
  codes: Uint8Array<ArrayBuffer>;
  absmax: Float32Array<ArrayBuffer>;
}

/** absmax as 8-bit codes [blocks] of the signed dynamic map, and absmax f32 [⌈blocks / 256⌉] of those. */
export interface NestedAbsmax {
  codes: Uint8Array<ArrayBuffer>;
  absmax: Float32Array<ArrayBuffer>;
  /** Mean of absmax, which is subtracted first. */
  offset: number;
}

/**
 * Quantizes finite f32 values [count] in row-major order to NF4, bit for bit as bitsandbytes on a CPU does (0.50,
 * backends/default/ops.py): x · (1 / absmax) in whole blocks and x / absmax in a last part block, all in f32, to the
 * nearest code; halfway goes to the lower one. CUDA multiplies in the last block too. A code that is over
 * in the last byte is that of 0.
 */
export function quantizeNf4Ref(values: Float32Array): Nf4 {
  const { codes, absmax } = quantizeBlocks(values, nf4BlockSize, codebooks.nf4);
  const packed = new Uint8Array(Math.ceil(values.length / 2)).fill(codeOf(0, midpoints(codebooks.nf4)));
  for (const [i, code] of codes.entries()) {
    const byte = packed[i >> 1]!;
    packed[i >> 1] = i % 2 === 0 ? (code << 4) | (byte & 15) : (byte & 0xf0) | code;
  }
  return { codes: packed, absmax };
}

/**
 * Double quantization of absmax f32 [blocks]: 8-bit codes of absmax − offset in blocks of 256 (bitsandbytes 0.50,
 * `quantize_4bit(compress_statistics=True)`), each the nearest in the signed map as its CUDA kernel and portable code
 * find it; its CPU code looks them up in 65,536 bins, which at times gives a neighbour.
 * @param offset the mean of absmax unless given: bitsandbytes sums in f32, in an order of its own
 */
export function nestAbsmaxRef(absmax: Float32Array, offset: number = meanOf(absmax)): NestedAbsmax {
  const centred = absmax.map((value) => value - offset);
  return { ...quantizeBlocks(centred, nestedBlockSize, dynamicMap(true)), offset };
}

function meanOf(values: Float32Array): number {
  return Math.fround(values.reduce((sum, value) => sum + value, 0) / values.length);
}

/** The nearest of ascending `levels` for each value over the absmax of its block, and those absmax. */
function quantizeBlocks(values: Float32Array, blockSize: number, levels: Float32Array): Nf4 {
  const bounds = midpoints(levels);
  const codes = new Uint8Array(values.length);
  const absmax = new Float32Array(Math.ceil(values.length / blockSize));
  for (let block = 0; block < absmax.length; block++) {
    const start = block * blockSize;
    const part = values.subarray(start, start + blockSize);
    const largest = part.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const isWhole = part.length === blockSize;
    const divisor = Math.max(largest, smallestAbsmax);
    const inverse = Math.fround(1 / divisor);
    // The part block's absmax is stored as it divides, the others as they are.
    absmax[block] = isWhole ? largest : divisor;
    for (const [i, value] of part.entries()) {
      codes[start + i] = codeOf(Math.fround(isWhole ? value * inverse : value / divisor), bounds);
    }
  }
  return { codes, absmax };
}

/** f32 means of neighbouring levels. */
function midpoints(levels: Float32Array): Float32Array {
  return Float32Array.from(
    { length: levels.length - 1 },
    (_, i) => Math.fround(levels[i]! + levels[i + 1]!) / 2,
  );
}

/** How many bounds are below x. */
function codeOf(x: number, bounds: Float32Array): number {
  let code = 0;
  while (code < bounds.length && x > bounds[code]!) code++;
  return code;
}
