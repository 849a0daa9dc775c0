import { decodeFloats, f32ToF16 } from '../formats/floats.ts';
import type { FloatMatrix } from '../formats/quantized/types.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { uploadBytes } from '../gpu/transfer.ts';
import type { FloatFormat } from '../kernels/weight.ts';
import { floatFormat } from './floatFormat.ts';
import type { ModelFiles } from './openModel.ts';
import type { EmbeddingRows } from './weights.ts';

/** Rows that lie no further apart are read with what is between them: another read costs as much. */
const GAP_BYTES = 32 * 1024;

/** The most that is read at once. */
const MOST_BYTES = 4 * 1024 * 1024;

/** Reads that wait for the disk at the same time. */
const AT_ONCE = 16;

/** The rows of a frozen embedding for the tokens of a micro-batch, read from its file; they hold until the next. */
export class EmbeddingTable {
  readonly #gpu: Gpu;
  readonly #files: ModelFiles;
  readonly #stored: FloatMatrix;
  readonly #halve: boolean;
  #table: Tensor | null = null;

  /** @param halve F32 rows as f16 */
  constructor(gpu: Gpu, files: ModelFiles, stored: FloatMatrix, halve: boolean) {
    this.#gpu = gpu;
    this.#files = files;
    this.#stored = stored;
    this.#halve = halve;
  }

  /** Throws `model.tensor_dtype`, and what the checkpoint throws. */
  async rowsOf(tokens: Uint32Array): Promise<EmbeddingRows> {
    const { hiddenSize: cols, vocabSize } = this.#files.spec;
    const { tensor: name, dtype } = this.#stored;
    const stored = floatFormat({ name, dtype });
    const format: FloatFormat = this.#halve && stored === 'f32' ? 'f16' : stored;
    // As many rows as the micro-batch may need, whatever its tokens are: so its memory can be planned.
    const data = this.#room(Math.min(tokens.length, vocabSize), cols, format);
    const chunk = { rowStart: 0, rows: data.rows, cols, encoding: { format }, data: data.tensor };
    const weight = { rows: data.rows, cols, chunks: [chunk] };
    if (this.#gpu.dry) return { weight, rows: tokens.subarray() };
    const unique = Uint32Array.from(new Set(tokens)).sort();
    const rowBytes = cols * (stored === 'f32' ? 4 : 2);
    const bytes = await this.#read(name, unique, rowBytes);
    const converted = format === stored ? bytes : halved(bytes);
    uploadBytes(this.#gpu, data.tensor, converted);
    const places = new Map(Array.from(unique, (token, row) => [token, row]));
    return { weight, rows: tokens.map((token) => places.get(token)!) };
  }

  dispose(): void {
    if (this.#table) this.#gpu.memory.free(this.#table);
    this.#table = null;
  }

  #room(rows: number, cols: number, format: FloatFormat): { tensor: Tensor; rows: number } {
    const words = format === 'f32' ? rows * cols : Math.ceil((rows * cols) / 2);
    if (!this.#table || this.#table.shape[0]! < words) {
      this.dispose();
      const type = format === 'f32' ? 'f32' : 'u32';
      this.#table = this.#gpu.memory.tensor(type, [words], 'rows of the embedding', 'weights');
    }
    return { tensor: { ...this.#table, shape: [words] }, rows };
  }

  /** Rows of the matrix, one after the other; `rows` ascend. */
  async #read(name: string, rows: Uint32Array, rowBytes: number): Promise<Uint8Array<ArrayBuffer>> {
    const all = new Uint8Array(rows.length * rowBytes);
    const { checkpoint } = this.#files;
    const reads = readsOf(rows, rowBytes);
    const bring = async ({ from, to }: { from: number; to: number }) => {
      const first = rows[from]! * rowBytes;
      const bytes = await checkpoint.readRange(name, first, (rows[to]! + 1) * rowBytes - first);
      for (let i = from; i <= to; i++) {
        const start = rows[i]! * rowBytes - first;
        all.set(bytes.subarray(start, start + rowBytes), i * rowBytes);
      }
    };
    for (let at = 0; at < reads.length; at += AT_ONCE) {
      await Promise.all(reads.slice(at, at + AT_ONCE).map(bring));
    }
    return all;
  }
}

/** Ascending rows, from … to of them in one read each. */
function readsOf(rows: Uint32Array, rowBytes: number): { from: number; to: number }[] {
  const reads: { from: number; to: number }[] = [];
  for (let i = 0; i < rows.length; i++) {
    const last = reads.at(-1);
    const gap = last ? (rows[i]! - rows[last.to]! - 1) * rowBytes : 0;
    const size = last ? (rows[i]! - rows[last.from]! + 1) * rowBytes : 0;
    if (last && gap <= GAP_BYTES && size <= MOST_BYTES) last.to = i;
    else reads.push({ from: i, to: i });
  }
  return reads;
}

function halved(floats: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(f32ToF16(decodeFloats(floats, 'F32')).buffer);
}
