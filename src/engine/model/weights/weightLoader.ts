import { decodeFloats } from '../../../base/lib/floats.ts';
import type { FloatMatrix, StoredMatrix } from '../../../content/formats/quantized/types.ts';
import type { Gpu } from '../../gpu/device.ts';
import type { Tensor } from '../../gpu/tensor.ts';
import { upload } from '../../gpu/transfer.ts';
import type { Weight } from '../../kernels/weight.ts';
import { assert } from '../../../base/lib/errors.ts';
import { floatFormat } from '../spec/floatFormat.ts';
import { loadBnbMatrix } from './load/bnbMatrix.ts';
import { loadCachedMatrix } from './load/cachedMatrix.ts';
import { loadFloatMatrix } from './load/floatMatrix.ts';
import { loadInt4Matrix } from './load/int4Matrix.ts';
import { loadInt8Matrix } from './load/int8Matrix.ts';
import { LoadContext, type LoadScratch, type RowRange } from './load/loadContext.ts';
import { loadNf4Matrix } from './load/nf4Matrix.ts';
import { allocateSlices, planSlices, type FusedMember } from './load/bufferSlice.ts';
import type { BufferSlice } from './load/loadContext.ts';
import type { ModelFiles } from '../spec/openModel.ts';
import type { MatrixSpec } from '../spec/spec.ts';
import { quantizeOf } from './fourBits.ts';
import type { WeightStorage } from './weightStorage.ts';

/** Loads the tensors of a model to the GPU, piece by piece, and owns them. */
export class WeightLoader {
  readonly #context: LoadContext;
  readonly #files: ModelFiles;
  readonly #storage: WeightStorage;

  /**
   * @param onBytes called with the size of every read
   * @param scratch shared with other loads
   * @param former a loader of matrices of the same shapes that are no longer needed: their tensors are reused
   */
  constructor(
    gpu: Gpu,
    files: ModelFiles,
    storage: WeightStorage,
    {
      onBytes,
      former,
      scratch,
    }: { onBytes?: (bytes: number) => void; former?: WeightLoader | undefined; scratch?: LoadScratch } = {},
  ) {
    this.#context = new LoadContext(
      gpu,
      files.checkpoint,
      onBytes,
      former ? former.#context.giveUp() : [],
      scratch,
    );
    this.#files = files;
    this.#storage = storage;
  }

  /** A matrix [rows, cols], split by rows if it exceeds the adapter's binding limit. */
  async matrix(spec: MatrixSpec, slice: BufferSlice | null = null): Promise<Weight> {
    const { rows, cols } = spec;
    const { halve } = this.#storage;
    const quantize = quantizeOf(spec, this.#storage.quantize);
    const size = [rows, cols] as const;
    const stored = this.#stored(spec);
    if (stored.kind === 'bnb') return loadBnbMatrix(this.#context, stored, size, slice);
    if (stored.kind !== 'float') {
      return loadInt4Matrix(this.#context, stored, size, this.#files.quantization, slice);
    }
    if (quantize) return this.#quantized(stored, size, quantize.doubleQuant, slice);
    return loadFloatMatrix(this.#context, stored, size, halve, undefined, slice);
  }

  /** Whether `fused` makes one matrix of them. */
  fuses(specs: readonly MatrixSpec[]): boolean {
    return planSlices(this.#context.gpu, this.#members(specs), this.#storage) !== null;
  }

  #members(specs: readonly MatrixSpec[]): FusedMember[] {
    return specs.map((spec) => ({
      stored: this.#stored(spec),
      rows: spec.rows,
      cols: spec.cols,
      quantize: quantizeOf(spec, this.#storage.quantize),
    }));
  }

  /** Loads fused projections: as one matrix with their rows in order if possible, else separately. */
  async fused(specs: readonly MatrixSpec[]): Promise<Weight[]> {
    const members = this.#members(specs);
    const found = allocateSlices(this.#context, members, this.#storage);
    const weights: Weight[] = [];
    for (const [i, spec] of specs.entries()) weights.push(await this.matrix(spec, found?.slices[i] ?? null));
    return found ? [found.joined] : weights;
  }

  /** Some rows of a vocabulary matrix stored in floats, or of the head in fewer bits. */
  async rows({ module, rows, cols }: MatrixSpec, only: RowRange, isHead: boolean): Promise<Weight> {
    const stored = this.#files.matrices.get(module);
    assert(stored?.kind === 'float', `rows of ${module} do not come alone`);
    const size = [rows, cols] as const;
    const head = isHead ? (this.#storage.head ?? null) : null;
    if (head?.form === 'int8') return loadInt8Matrix(this.#context, stored, size, only);
    if (head) return loadNf4Matrix(this.#context, stored, size, head.doubleQuant, { only });
    return loadFloatMatrix(this.#context, stored, size, this.#storage.halve, only);
  }

  /** A small tensor as f32: a norm weight or another vector. Throws `model.tensor_dtype`. */
  async vector(name: string, shape: readonly number[]): Promise<Tensor> {
    const values = await this.#floats(name);
    const tensor = this.#context.tensor('f32', shape, name);
    upload(this.#context.gpu, tensor, values);
    return tensor;
  }

  async #floats(name: string): Promise<Float32Array<ArrayBuffer>> {
    const { info } = this.#files.checkpoint.get(name);
    floatFormat(info);
    const bytes = await this.#context.read(name, 0, info.end - info.begin);
    return decodeFloats(bytes, info.dtype);
  }

  #stored({ module }: MatrixSpec): StoredMatrix {
    const stored = this.#files.matrices.get(module);
    assert(stored, `the model has no matrix ${module}`);
    return stored;
  }

  /**
   * The concatenated biases of fused projections: zeros for those without, null if none has one. Throws
   * `model.tensor_dtype`.
   */
  async biases(layers: readonly { name: string; rows: number }[]): Promise<Tensor | null> {
    const { checkpoint } = this.#files;
    if (!layers.some(({ name }) => checkpoint.tensors.has(name))) return null;
    const all = new Float32Array(layers.reduce((sum, { rows }) => sum + rows, 0));
    let start = 0;
    for (const { name, rows } of layers) {
      if (checkpoint.tensors.has(name)) all.set(await this.#floats(name), start);
      start += rows;
    }
    const tensor = this.#context.tensor('f32', [all.length], layers[0]!.name);
    upload(this.#context.gpu, tensor, all);
    return tensor;
  }

  /** The matrix in 4 bits: from the cache if it is there, else quantized now, and saved. */
  async #quantized(
    stored: FloatMatrix,
    [rows, cols]: readonly [number, number],
    doubleQuant: boolean,
    slice: BufferSlice | null,
  ): Promise<Weight> {
    const context = this.#context;
    const { derived = null } = this.#storage;
    if (derived?.checkpoint) {
      const matrix = { tensor: stored.tensor, rows, cols, doubleQuant };
      try {
        return await loadCachedMatrix(context, derived.checkpoint, matrix, slice);
      } catch (error) {
        context.gpu.throwIfFailed();
        context.checkAlive();
        derived.forget(error);
      }
    }
    const weight = await loadNf4Matrix(context, stored, [rows, cols], doubleQuant, { slice });
    if (derived) {
      context.commands.submit();
      await derived.save(context.gpu, stored.tensor, weight, () => context.checkAlive());
    }
    return weight;
  }

  /** Ends loading: frees what only loading needs. */
  finish(): void {
    this.#context.finish();
  }

  /** Frees all loaded tensors, also after a failed load. */
  dispose(): void {
    this.#context.dispose();
  }
}
