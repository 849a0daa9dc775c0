import { f16ToF32, decodeFloats } from '../../../base/lib/floats.ts';
import type { GgmlTypeName } from './ggmlTypes.ts';

/**
 * Unpacks blocks of one type into f32: `bytes` from `at` on into `out` from `to` on, one block. Every operation is rounded
 * to f32 in gguf-py's order (`gguf/quants.py`), so results equal its to the bit.
 */
type Unpack = (bytes: Uint8Array, at: number, out: Float32Array, to: number) => void;

const { fround } = Math;
/** The 16 values of IQ4_NL. */
const IQ4_NL_VALUES = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

const half = new Uint16Array(1);
function f16(bytes: Uint8Array, at: number): number {
  half[0] = bytes[at]! | (bytes[at + 1]! << 8);
  return f16ToF32(half)[0]!;
}

const int8 = (byte: number): number => (byte << 24) >> 24;

/** 32 values of 4 bits: the low halves of 16 bytes, then the high ones. */
function nibbles(bytes: Uint8Array, at: number, value: (code: number, i: number) => void): void {
  for (let i = 0; i < 16; i++) value(bytes[at + i]! & 15, i);
  for (let i = 0; i < 16; i++) value(bytes[at + i]! >> 4, i + 16);
}

/** The fifth bit of value `i` of a Q5_0 or Q5_1 block, in place. */
const fifthBit = (bytes: Uint8Array, at: number, i: number): number =>
  ((bytes[at + (i >> 3)]! >> (i & 7)) & 1) << 4;

/** Scale and minimum `j` of the eight of a Q4_K or Q5_K block: six bits each in twelve bytes. */
function scaleMin(bytes: Uint8Array, at: number, j: number): [scale: number, min: number] {
  if (j < 4) return [bytes[at + j]! & 63, bytes[at + j + 4]! & 63];
  const high = bytes[at + j + 4]!;
  return [(high & 15) | ((bytes[at + j - 4]! >> 6) << 4), (high >> 4) | ((bytes[at + j]! >> 6) << 4)];
}

const unpackers = {
  Q4_0: (bytes, at, out, to) => {
    const d = f16(bytes, at);
    nibbles(bytes, at + 2, (code, i) => (out[to + i] = d * (code - 8)));
  },
  Q4_1: (bytes, at, out, to) => {
    const [d, m] = [f16(bytes, at), f16(bytes, at + 2)];
    nibbles(bytes, at + 4, (code, i) => (out[to + i] = fround(d * code) + m));
  },
  Q5_0: (bytes, at, out, to) => {
    const d = f16(bytes, at);
    nibbles(bytes, at + 6, (code, i) => (out[to + i] = d * ((code | fifthBit(bytes, at + 2, i)) - 16)));
  },
  Q5_1: (bytes, at, out, to) => {
    const [d, m] = [f16(bytes, at), f16(bytes, at + 2)];
    nibbles(bytes, at + 8, (code, i) => (out[to + i] = fround(d * (code | fifthBit(bytes, at + 4, i))) + m));
  },
  Q8_0: (bytes, at, out, to) => {
    const d = f16(bytes, at);
    for (let i = 0; i < 32; i++) out[to + i] = d * int8(bytes[at + 2 + i]!);
  },
  IQ4_NL: (bytes, at, out, to) => {
    const d = f16(bytes, at);
    nibbles(bytes, at + 2, (code, i) => (out[to + i] = d * IQ4_NL_VALUES[code]!));
  },
  Q2_K: (bytes, at, out, to) => {
    const [d, dmin] = [f16(bytes, at + 80), f16(bytes, at + 82)];
    for (let group = 0; group < 16; group++) {
      const packed = bytes[at + group]!;
      const [scale, min] = [fround(d * (packed & 15)), fround(dmin * (packed >> 4))];
      // Eight groups share 32 bytes: two of 16, at four shifts.
      const from = at + 16 + (group >> 3) * 32 + (group & 1) * 16;
      const shift = ((group >> 1) & 3) * 2;
      for (let i = 0; i < 16; i++)
        out[to + group * 16 + i] = fround(scale * ((bytes[from + i]! >> shift) & 3)) - min;
    }
  },
  Q3_K: (bytes, at, out, to) => {
    const d = f16(bytes, at + 108);
    for (let group = 0; group < 16; group++) {
      const low = (bytes[at + 96 + (group & 7)]! >> (group >> 3 ? 4 : 0)) & 15;
      const high = (bytes[at + 104 + (group & 3)]! >> ((group >> 2) * 2)) & 3;
      const scale = fround(d * ((low | (high << 4)) - 32));
      const from = at + 32 + (group >> 3) * 32 + (group & 1) * 16;
      const shift = ((group >> 1) & 3) * 2;
      for (let i = 0; i < 16; i++) {
        const isLow = ((bytes[at + (group & 1) * 16 + i]! >> (group >> 1)) & 1) === 0;
        out[to + group * 16 + i] = scale * (((bytes[from + i]! >> shift) & 3) - (isLow ? 4 : 0));
      }
    }
  },
  Q4_K: (bytes, at, out, to) => {
    const [d, dmin] = [f16(bytes, at), f16(bytes, at + 2)];
    for (let group = 0; group < 8; group++) {
      const [scale, min] = scaleMin(bytes, at + 4, group);
      const [dl, ml] = [fround(d * scale), fround(dmin * min)];
      const from = at + 16 + (group >> 1) * 32;
      const shift = (group & 1) * 4;
      for (let i = 0; i < 32; i++)
        out[to + group * 32 + i] = fround(dl * ((bytes[from + i]! >> shift) & 15)) - ml;
    }
  },
  Q5_K: (bytes, at, out, to) => {
    const [d, dmin] = [f16(bytes, at), f16(bytes, at + 2)];
    for (let group = 0; group < 8; group++) {
      const [scale, min] = scaleMin(bytes, at + 4, group);
      const [dl, ml] = [fround(d * scale), fround(dmin * min)];
      const from = at + 48 + (group >> 1) * 32;
      const shift = (group & 1) * 4;
      for (let i = 0; i < 32; i++) {
        const code = ((bytes[from + i]! >> shift) & 15) | (((bytes[at + 16 + i]! >> group) & 1) << 4);
        out[to + group * 32 + i] = fround(dl * code) - ml;
      }
    }
  },
  Q6_K: (bytes, at, out, to) => {
    const d = f16(bytes, at + 208);
    for (let group = 0; group < 16; group++) {
      const scale = fround(d * int8(bytes[at + 192 + group]!));
      // Runs of 32 values; each 128 of them take 64 low bytes, and 32 high ones at four shifts.
      const run = group >> 1;
      const low = at + (run >> 2) * 64 + (run & 1) * 32 + (group & 1) * 16;
      const lowShift = ((run >> 1) & 1) * 4;
      const high = at + 128 + (run >> 2) * 32 + (group & 1) * 16;
      const highShift = (run & 3) * 2;
      for (let i = 0; i < 16; i++) {
        const code = ((bytes[low + i]! >> lowShift) & 15) | (((bytes[high + i]! >> highShift) & 3) << 4);
        out[to + group * 16 + i] = scale * (code - 32);
      }
    }
  },
} satisfies Partial<Record<GgmlTypeName, Unpack>>;

/** A quantized type that can be unpacked. */
export type UnpackedType = keyof typeof unpackers;

/** Quantized types that can be unpacked, by name. */
export const unpackedTypes = Object.keys(unpackers) as readonly UnpackedType[];

/** Whether tensors of a type can be read as floats. */
export function isReadable(type: string): type is UnpackedType | 'F32' | 'F16' | 'BF16' {
  return type === 'F32' || type === 'F16' || type === 'BF16' || Object.hasOwn(unpackers, type);
}

/**
 * The f32 values of whole blocks of a type, as gguf-py's `dequantize` has them to the bit.
 * @param block elements of a block, and its bytes
 */
export function dequantizeBlocks(
  bytes: Uint8Array,
  { name, block, bytes: size }: { name: string; block: number; bytes: number },
): Float32Array<ArrayBuffer> {
  if (block === 1) return decodeFloats(bytes, name);
  const unpack: Unpack = unpackers[name as UnpackedType];
  const blocks = bytes.byteLength / size;
  const out = new Float32Array(blocks * block);
  for (let i = 0; i < blocks; i++) unpack(bytes, i * size, out, i * block);
  return out;
}
