import { f32ToBf16, f32ToF16 } from '../../base/lib/floats.ts';
import type { Gpu } from '../gpu/device.ts';
import { byteLengthOf, type ElementType, type Tensor } from '../gpu/tensor.ts';
import { upload, uploadBytes } from '../gpu/transfer.ts';
import { NF4_BLOCK } from '../kernels/quantize.ts';
import { CODES_PER_WORD, type WeightChunk } from '../kernels/weight.ts';
import { createRandom } from '../../base/lib/random.ts';

/** Storage format of a measured product's weights. */
export type SpeedFormat = 'f32' | 'f16' | 'bf16' | 'nf4' | 'int4';

/** Columns that share a scale in the 4-bit weights of GPTQ and AWQ checkpoints. */
const INT4_GROUP = 128;

/** Elements of the random piece that fills every tensor repeatedly. */
const PIECE = 1 << 16;

/** Allocates the tensors for measuring kernels, with values like a model's, and frees them all. */
export class Inputs {
  readonly #gpu: Gpu;
  readonly #tensors: Tensor[] = [];

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  /** Zeros, for results. */
  empty(shape: readonly number[], type: ElementType = 'f32'): Tensor {
    const tensor = this.#gpu.memory.tensor(type, shape, 'benchmark');
    this.#tensors.push(tensor);
    return tensor;
  }

  /** Random values around 0, f32. */
  random(...shape: number[]): Tensor {
    return this.#fill(this.empty(shape), normals);
  }

  /** Positive random values, f32. */
  positive(...shape: number[]): Tensor {
    return this.#fill(this.empty(shape), positives);
  }

  /** Random bits, u32. */
  bits(...shape: number[]): Tensor {
    return this.#fill(this.empty(shape, 'u32'), words);
  }

  /** Random values around 0, in an activation type. */
  activations(type: 'f32' | 'f16', ...shape: number[]): Tensor {
    return type === 'f16' ? this.#fill(this.empty(shape, type), halves) : this.random(...shape);
  }

  /** The given row, f32, repeated. */
  rows(row: Float32Array<ArrayBuffer>, times: number): Tensor {
    const bytes = new Uint8Array(row.buffer);
    return this.#fill(this.empty([times, row.length]), () => bytes);
  }

  /** Random values in f16, two per word. */
  halves(words: number): Tensor {
    return this.#fill(this.empty([words], 'u32'), halves);
  }

  /** The given values. */
  u32(values: ArrayLike<number>): Tensor {
    const tensor = this.empty([values.length], 'u32');
    upload(this.#gpu, tensor, Uint32Array.from(values));
    return tensor;
  }

  /** A matrix [rows, cols] of random weights. */
  weight(format: SpeedFormat | 'fp4', rows: number, cols: number): Tensor | WeightChunk {
    if (format === 'f32') return this.random(rows, cols);
    const chunk = { rowStart: 0, rows, cols };
    if (format === 'f16' || format === 'bf16') {
      const data = this.#fill(
        this.empty([Math.ceil((rows * cols) / 2)], 'u32'),
        format === 'f16' ? halves : bfloats,
      );
      return { ...chunk, encoding: { format }, data };
    }
    const data = this.bits(rows, Math.ceil(cols / CODES_PER_WORD));
    if (format === 'nf4' || format === 'fp4') {
      const scales = this.positive(Math.ceil((rows * cols) / NF4_BLOCK));
      return { ...chunk, encoding: { format, blockSize: NF4_BLOCK, nestedBlockSize: null }, data, scales };
    }
    const groups = Math.ceil(cols / INT4_GROUP);
    // A scale of 2^-7 in f16, and a zero of 8.
    const scales = this.u32(new Uint32Array(rows * groups).fill((8 << 16) | 0x2000));
    const encoding = { format, groupSize: INT4_GROUP, groups, scale: 'f16' } as const;
    return { ...chunk, encoding, data, scales };
  }

  dispose(): void {
    for (const tensor of this.#tensors.splice(0)) this.#gpu.memory.free(tensor);
  }

  #fill(tensor: Tensor, piece: () => Uint8Array<ArrayBuffer>): Tensor {
    const bytes = piece();
    const size = byteLengthOf(tensor);
    for (let at = 0; at < size; at += bytes.byteLength) {
      const part = bytes.subarray(0, Math.min(bytes.byteLength, size - at));
      uploadBytes(this.#gpu, { ...tensor, offset: tensor.offset + at }, part);
    }
    return tensor;
  }
}

/** Creates a value on first use. */
function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

const floats = once(() => {
  const random = createRandom(7);
  return Float32Array.from({ length: PIECE }, () => random.normal());
});
const normals = once(() => new Uint8Array(floats().buffer));
const positives = once(() => new Uint8Array(floats().map((value) => 0.01 + Math.abs(value)).buffer));
const halves = once(() => new Uint8Array(f32ToF16(floats().map((value) => value * 0.03)).buffer));
const bfloats = once(() => new Uint8Array(f32ToBf16(floats().map((value) => value * 0.03)).buffer));
const words = once(() => {
  const random = createRandom(8);
  return new Uint8Array(Uint32Array.from({ length: PIECE }, () => random.uint32()).buffer);
});
