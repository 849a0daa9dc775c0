import type { Checkpoint } from '../formats/checkpoint.ts';
import { decodeFloats, f32ToF16 } from '../formats/floats.ts';
import type { Gpu } from '../gpu/device.ts';
import type { ElementType, Tensor } from '../gpu/tensor.ts';
import { upload, uploadBytes } from '../gpu/transfer.ts';
import type { FloatFormat, Weight, WeightChunk } from '../kernels/weight.ts';
import { floatFormat } from './floatFormat.ts';

/** Bytes read and uploaded at once: what JavaScript ever holds of a weight. */
const PIECE = 16 * 1024 * 1024;

/**
 * Brings tensors of a checkpoint to the GPU, piece by piece, and owns them. A matrix stays in its own dtype, bit
 * for bit, but for F32 ones when `halve` asks for f16 storage.
 */
export class WeightLoader {
  readonly #gpu: Gpu;
  readonly #checkpoint: Checkpoint;
  readonly #halve: boolean;
  readonly #onBytes: (bytes: number) => void;
  readonly #tensors: Tensor[] = [];

  constructor(
    gpu: Gpu,
    checkpoint: Checkpoint,
    options: { halve: boolean; onBytes?: (bytes: number) => void },
  ) {
    this.#gpu = gpu;
    this.#checkpoint = checkpoint;
    this.#halve = options.halve;
    this.#onBytes = options.onBytes ?? (() => undefined);
  }

  /** A matrix [rows, cols], split by rows where it exceeds the adapter's binding limit. Throws `model.tensor_dtype`. */
  async matrix(name: string, rows: number, cols: number): Promise<Weight> {
    const stored = floatFormat(this.#checkpoint.get(name).info);
    const format = this.#halve && stored === 'f32' ? 'f16' : stored;
    const rowBytes = cols * (format === 'f32' ? 4 : 2);
    // 64 rows keep every chunk aligned to whole words, and its bias slice to 256 bytes.
    const limit = Math.max(64, Math.floor(this.#gpu.maxBinding / rowBytes / 64) * 64);
    const chunks: WeightChunk[] = [];
    for (let rowStart = 0; rowStart < rows; rowStart += limit) {
      const count = Math.min(limit, rows - rowStart);
      chunks.push({
        rowStart,
        rows: count,
        cols,
        encoding: { format },
        data: await this.#chunk(name, format, rowStart * cols, count * cols),
      });
    }
    return { rows, cols, chunks };
  }

  /** A vector as f32: a norm weight or a bias. Throws `model.tensor_dtype`. */
  async vector(name: string, length: number): Promise<Tensor> {
    const { info } = this.#checkpoint.get(name);
    floatFormat(info);
    const bytes = await this.#checkpoint.read(name);
    const tensor = this.#tensor('f32', length, name);
    upload(this.#gpu, tensor, decodeFloats(bytes, info.dtype));
    this.#onBytes(bytes.byteLength);
    return tensor;
  }

  /** Frees every tensor it has brought, also those of a load that failed half-way. */
  dispose(): void {
    // A destroyed buffer lives on until the queue has passed the commands that use it.
    for (const tensor of this.#tensors.splice(0)) this.#gpu.memory.free(tensor);
  }

  #tensor(type: ElementType, length: number, label: string): Tensor {
    const tensor = this.#gpu.memory.tensor(type, [length], label);
    this.#tensors.push(tensor);
    return tensor;
  }

  async #chunk(name: string, format: FloatFormat, start: number, count: number): Promise<Tensor> {
    const stored = floatFormat(this.#checkpoint.get(name).info);
    const width = stored === 'f32' ? 4 : 2;
    const data =
      format === 'f32' ? this.#tensor('f32', count, name) : this.#tensor('u32', Math.ceil(count / 2), name);
    const step = PIECE / width;
    for (let at = 0; at < count; at += step) {
      const elements = Math.min(step, count - at);
      const bytes = await this.#checkpoint.readRange(name, (start + at) * width, elements * width);
      const target = { ...data, offset: at * (format === 'f32' ? 4 : 2) };
      if (format === stored) uploadBytes(this.#gpu, target, bytes);
      else upload(this.#gpu, target, f32ToF16(decodeFloats(bytes, 'F32')));
      this.#onBytes(bytes.byteLength);
    }
    return data;
  }
}
