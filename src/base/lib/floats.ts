import { GraftError } from './errors.ts';

// NaN payloads survive only as long as values travel as integers: every conversion below works on bits.

const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** Widens bf16 bit patterns `[n]` to f32 `[n]`, exactly. */
export function bf16ToF32(values: Uint16Array): Float32Array<ArrayBuffer> {
  const out = new Uint32Array(values.length);
  for (let i = 0; i < values.length; i++) out[i] = values[i]! << 16;
  return new Float32Array(out.buffer);
}

/** Rounds f32 `[n]` to bf16 bit patterns `[n]`: nearest, ties to even; overflow gives infinity, NaN stays NaN. */
export function f32ToBf16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = bitsOfFloats(values);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < out.length; i++) {
    const x = bits[i]!;
    // Rounding up a NaN with a full mantissa would wrap round to -0, so a quiet bit is set instead.
    out[i] = (x & 0x7fffffff) > 0x7f800000 ? (x >>> 16) | 0x40 : (x + 0x7fff + ((x >>> 16) & 1)) >>> 16;
  }
  return out;
}

/** Widens f16 bit patterns `[n]` to f32 `[n]`, exactly, subnormals included. */
export function f16ToF32(values: Uint16Array): Float32Array<ArrayBuffer> {
  const table = (f16Table ??= buildF16Table());
  const out = new Uint32Array(values.length);
  for (let i = 0; i < values.length; i++) out[i] = table[values[i]!]!;
  return new Float32Array(out.buffer);
}

/** Rounds f32 `[n]` to f16 bit patterns `[n]`: nearest, ties to even, subnormals preserved; overflow gives infinity, NaN stays NaN. */
export function f32ToF16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = bitsOfFloats(values);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < out.length; i++) out[i] = f16Of(bits[i]!);
  return out;
}

/**
 * The f32 values of little-endian bytes stored as F32, F16 or BF16, at any byteOffset.
 * F32 that happens to be aligned is returned as a view of `bytes`, not a copy: treat both as read-only.
 * Throws `formats.dtype_not_float` and `formats.ragged_bytes`, which name `tensor`.
 */
export function decodeFloats(bytes: Uint8Array, dtype: string, tensor = '?'): Float32Array<ArrayBuffer> {
  const size = floatSize(dtype, tensor);
  if (bytes.byteLength % size !== 0) {
    throw new GraftError('formats.ragged_bytes', { tensor, dtype, bytes: bytes.byteLength });
  }
  const { buffer, byteOffset } = alignedLittleEndian(bytes, size);
  const length = bytes.byteLength / size;
  if (dtype === 'F32') return new Float32Array(buffer, byteOffset, length);
  const halves = new Uint16Array(buffer, byteOffset, length);
  return dtype === 'F16' ? f16ToF32(halves) : bf16ToF32(halves);
}

/**
 * The little-endian bytes of f32 values stored as F32, F16 or BF16, rounded once to nearest even.
 * F32 may be returned as a view of `values`. Throws `formats.dtype_not_float`, which names `tensor`.
 */
export function encodeFloats(values: Float32Array, dtype: string, tensor = '?'): Uint8Array<ArrayBuffer> {
  const size = floatSize(dtype, tensor);
  const stored = dtype === 'F32' ? values : dtype === 'F16' ? f32ToF16(values) : f32ToBf16(values);
  const { buffer, byteOffset } = alignedLittleEndian(
    new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength),
    size,
  );
  return new Uint8Array(buffer, byteOffset, stored.byteLength);
}

/** Bytes of an element of a float dtype. Throws `formats.dtype_not_float`, which names `tensor`. */
export function floatSize(dtype: string, tensor: string): 2 | 4 {
  if (dtype === 'F32') return 4;
  if (dtype === 'F16' || dtype === 'BF16') return 2;
  throw new GraftError('formats.dtype_not_float', { tensor, dtype });
}

/** The same bytes where a typed array of `size` can view them: copied only if misaligned, shared, or on a big-endian host. */
function alignedLittleEndian(bytes: Uint8Array, size: 2 | 4): { buffer: ArrayBuffer; byteOffset: number } {
  const { buffer, byteOffset } = bytes;
  if (littleEndian && byteOffset % size === 0 && buffer instanceof ArrayBuffer) return { buffer, byteOffset };
  const copy = new Uint8Array(bytes);
  if (!littleEndian) for (let i = 0; i < copy.length; i += size) copy.subarray(i, i + size).reverse();
  return { buffer: copy.buffer, byteOffset: 0 };
}

function bitsOfFloats(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}

let f16Table: Uint32Array | undefined;

/** f32 bit patterns of all 65,536 f16 bit patterns: 256 KiB, built on first use, several times faster than arithmetic. */
function buildF16Table(): Uint32Array {
  const table = new Uint32Array(65536);
  for (let half = 0; half < 65536; half++) {
    const sign = (half & 0x8000) << 16;
    const exponent = (half >>> 10) & 0x1f;
    let mantissa = half & 0x3ff;
    if (exponent === 31) table[half] = sign | 0x7f800000 | (mantissa << 13);
    else if (exponent !== 0) table[half] = sign | ((exponent + 112) << 23) | (mantissa << 13);
    else if (mantissa === 0) table[half] = sign;
    else {
      // A subnormal mantissa · 2^-24 is normal in f32: shift its leading one into the hidden bit.
      let shifted = 113;
      for (; (mantissa & 0x400) === 0; shifted--) mantissa <<= 1;
      table[half] = sign | (shifted << 23) | ((mantissa & 0x3ff) << 13);
    }
  }
  return table;
}

function f16Of(x: number): number {
  const sign = (x >>> 16) & 0x8000;
  const magnitude = x & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00 | ((magnitude >>> 13) & 0x1ff);
  // 65520 is halfway between the largest f16 and the next power of two: it and all above round to infinity.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude >= 0x38800000) {
    const rebased = magnitude - (112 << 23);
    return sign | ((rebased + 0xfff + ((rebased >>> 13) & 1)) >>> 13);
  }
  // Subnormal: mantissa · 2^(e-150) in units of 2^-24. Below a quarter of the smallest subnormal all round to 0.
  const shift = 126 - (magnitude >>> 23);
  if (shift > 25) return sign;
  const mantissa = (magnitude & 0x7fffff) | 0x800000;
  const high = mantissa >>> shift;
  const rest = mantissa & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  return sign | (rest > half || (rest === half && (high & 1) === 1) ? high + 1 : high);
}
