import { decodeFloats, f32ToF16 } from '../../../base/lib/floats.ts';
import type { FloatMatrix } from '../../../content/formats/quantized/types.ts';
import type { Gpu } from '../../gpu/device.ts';
import type { Tensor } from '../../gpu/tensor.ts';
import { uploadBytes } from '../../gpu/transfer.ts';
import type { FloatFormat } from '../../kernels/weight.ts';
import { floatFormat } from '../spec/floatFormat.ts';
import type { ModelFiles } from '../spec/openModel.ts';
import type { EmbeddingRows } from './weights.ts';

/** Rows at most this far apart are read together with what is between them: another read costs as much. */
const GAP_BYTES = 32 * 1024;

/** Maximum size of a read. */
const MAX_BYTES = 4 * 1024 * 1024;

/** Maximum number of concurrent reads. */
const MAX_READS = 16;

/** Bytes of the rows kept in main memory: most tokens come again. */
const KEPT_BYTES = 64 * 1024 * 1024;

/** The rows of a frozen embedding for the tokens of a micro-batch, from its file, or main memory where they were read lately. */
export class EmbeddingTable {
  readonly #gpu: Gpu;
  readonly #files: ModelFiles;
  readonly #stored: FloatMatrix;
  readonly #halve: boolean;
  #table: Tensor | null = null;
  /** Rows as stored, the most recently used last. */
  readonly #kept = new Map<number, Uint8Array<ArrayBuffer>>();

  /** @param halve store F32 rows as f16 */
  constructor(gpu: Gpu, files: ModelFiles, stored: FloatMatrix, halve: boolean) {
    this.#gpu = gpu;
    this.#files = files;
    this.#stored = stored;
    this.#halve = halve;
  }

  /**
   * The rows of these tokens, valid until the next call. Throws `model.tensor_dtype`, and what the checkpoint throws.
   */
  async rowsOf(tokens: Uint32Array): Promise<EmbeddingRows> {
    const { hiddenSize: cols, vocabSize } = this.#files.spec;
    const { tensor: name, dtype } = this.#stored;
    const stored = floatFormat({ name, dtype });
    const format: FloatFormat = this.#halve && stored === 'f32' ? 'f16' : stored;
    // Sized for the most rows the micro-batch could need, whatever its tokens, so that memory can be planned.
    const data = this.#tableFor(Math.min(tokens.length, vocabSize), cols, format);
    const chunk = { rowStart: 0, rows: data.rows, cols, encoding: { format }, data: data.tensor };
    const weight = { rows: data.rows, cols, chunks: [chunk] };
    if (this.#gpu.dry) return { weight, rows: tokens.subarray() };
    const unique = Uint32Array.from(new Set(tokens)).sort();
    const rowBytes = cols * (stored === 'f32' ? 4 : 2);
    const bytes = await this.#rows(name, unique, rowBytes);
    const converted = format === stored ? bytes : halved(bytes);
    uploadBytes(this.#gpu, data.tensor, converted);
    const rowOf = new Map(Array.from(unique, (token, row) => [token, row]));
    return { weight, rows: tokens.map((token) => rowOf.get(token)!) };
  }

  dispose(): void {
    if (this.#table) this.#gpu.memory.free(this.#table);
    this.#table = null;
    this.#kept.clear();
  }

  #tableFor(rows: number, cols: number, format: FloatFormat): { tensor: Tensor; rows: number } {
    const words = format === 'f32' ? rows * cols : Math.ceil((rows * cols) / 2);
    if (!this.#table || this.#table.shape[0]! < words) {
      if (this.#table) this.#gpu.memory.free(this.#table);
      const type = format === 'f32' ? 'f32' : 'u32';
      this.#table = this.#gpu.memory.tensor(type, [words], 'rows of the embedding', 'weights');
    }
    return { tensor: { ...this.#table, shape: [words] }, rows };
  }

  /** Rows of the matrix as stored, in order; `rows` is ascending. */
  async #rows(name: string, rows: Uint32Array, rowBytes: number): Promise<Uint8Array<ArrayBuffer>> {
    const missing = rows.filter((row) => !this.#kept.has(row));
    const read = await this.#read(name, missing, rowBytes);
    missing.forEach((row, i) => this.#kept.set(row, read.slice(i * rowBytes, (i + 1) * rowBytes)));
    const all = new Uint8Array(rows.length * rowBytes);
    rows.forEach((row, i) => {
      const bytes = this.#kept.get(row)!;
      all.set(bytes, i * rowBytes);
      this.#kept.delete(row);
      this.#kept.set(row, bytes);
    });
    for (const row of this.#kept.keys()) {
      if (this.#kept.size * rowBytes <= KEPT_BYTES) break;
      this.#kept.delete(row);
    }
    return all;
  }

  /** Reads rows of the matrix, in order; `rows` is ascending. */
  async #read(name: string, rows: Uint32Array, rowBytes: number): Promise<Uint8Array<ArrayBuffer>> {
    const all = new Uint8Array(rows.length * rowBytes);
    const { checkpoint } = this.#files;
    const reads = readsOf(rows, rowBytes);
    const readRows = async ({ from, to }: { from: number; to: number }) => {
      const first = rows[from]! * rowBytes;
      const bytes = await checkpoint.readRange(name, first, (rows[to]! + 1) * rowBytes - first);
      for (let i = from; i <= to; i++) {
        const start = rows[i]! * rowBytes - first;
        all.set(bytes.subarray(start, start + rowBytes), i * rowBytes);
      }
    };
    for (let at = 0; at < reads.length; at += MAX_READS) {
      await Promise.all(reads.slice(at, at + MAX_READS).map(readRows));
    }
    return all;
  }
}

/** Groups ascending rows into reads of rows[from] … rows[to]. */
function readsOf(rows: Uint32Array, rowBytes: number): { from: number; to: number }[] {
  const reads: { from: number; to: number }[] = [];
  for (let i = 0; i < rows.length; i++) {
    const last = reads.at(-1);
    const gap = last ? (rows[i]! - rows[last.to]! - 1) * rowBytes : 0;
    const size = last ? (rows[i]! - rows[last.from]! + 1) * rowBytes : 0;
    if (last && gap <= GAP_BYTES && size <= MAX_BYTES) last.to = i;
    else reads.push({ from: i, to: i });
  }
  return reads;
}

function halved(floats: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(f32ToF16(decodeFloats(floats, 'F32')).buffer);
}
