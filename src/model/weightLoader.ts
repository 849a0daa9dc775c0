import { decodeFloats } from '../formats/floats.ts';
import type { FloatMatrix } from '../formats/quantized/types.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { upload } from '../gpu/transfer.ts';
import type { Weight } from '../kernels/weight.ts';
import { assert } from '../lib/errors.ts';
import { floatFormat } from './floatFormat.ts';
import type { DerivedModel } from './derived/derivedModel.ts';
import { loadBnbMatrix } from './load/bnbMatrix.ts';
import { loadDerivedMatrix } from './load/derivedMatrix.ts';
import { loadFloatMatrix } from './load/floatMatrix.ts';
import { loadInt4Matrix } from './load/int4Matrix.ts';
import { LoadContext, type LoadScratch, type RowRange } from './load/loadContext.ts';
import { loadNf4Matrix } from './load/nf4Matrix.ts';
import type { ModelFiles } from './openModel.ts';
import type { MatrixSpec } from './spec.ts';

/** How weights are kept in GPU memory, where that is not as their files have them. */
export interface WeightStorage {
  /** F32 matrices as f16. */
  halve: boolean;
  /** Float linear layers of blocks in 4 bits; null leaves them. What is quantized already stays as it is. */
  quantize: null | { doubleQuant: boolean };
  /** Where what was quantized is kept on disk for later loads. */
  derived?: DerivedModel | null;
}

/** Weights as their files have them. */
export const asStored: WeightStorage = { halve: false, quantize: null };

/** Brings tensors of a model to the GPU, piece by piece, and owns them. */
export class WeightLoader {
  readonly #context: LoadContext;
  readonly #files: ModelFiles;
  readonly #storage: WeightStorage;

  /**
   * @param onBytes told of every read
   * @param scratch shared with the loads before and after
   * @param former a loader of matrices of the same shapes, which are not needed any more: this takes their place
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

  /** A matrix [rows, cols], split by rows where it exceeds the adapter's binding limit. */
  async matrix({ module, rows, cols, linear }: MatrixSpec): Promise<Weight> {
    const { matrices, quantization } = this.#files;
    const { quantize, halve } = this.#storage;
    const size = [rows, cols] as const;
    const stored = matrices.get(module);
    assert(stored, `the model has no matrix ${module}`);
    if (stored.kind === 'bnb') return loadBnbMatrix(this.#context, stored, size);
    if (stored.kind !== 'float') return loadInt4Matrix(this.#context, stored, size, quantization);
    if (linear && quantize) return this.#quantized(stored, size, quantize.doubleQuant);
    return loadFloatMatrix(this.#context, stored, size, halve);
  }

  /** Some rows of a matrix that is stored in floats. */
  async rows({ module, rows, cols }: MatrixSpec, only: RowRange): Promise<Weight> {
    const stored = this.#files.matrices.get(module);
    assert(stored?.kind === 'float', `rows of ${module} do not come alone`);
    return loadFloatMatrix(this.#context, stored, [rows, cols], this.#storage.halve, only);
  }

  /** A vector as f32: a norm weight or a bias. Throws `model.tensor_dtype`. */
  async vector(name: string, length: number): Promise<Tensor> {
    const { info } = this.#files.checkpoint.get(name);
    floatFormat(info);
    const bytes = await this.#context.read(name, 0, info.end - info.begin);
    const tensor = this.#context.tensor('f32', [length], name);
    upload(this.#context.gpu, tensor, decodeFloats(bytes, info.dtype));
    return tensor;
  }

  /** A vector that need not be there: a bias of a quantized layer. */
  async vectorIfStored(name: string, length: number): Promise<Tensor | null> {
    return this.#files.checkpoint.tensors.has(name) ? this.vector(name, length) : null;
  }

  /** In 4 bits: as an earlier load has left it on disk, else made now, and left there. */
  async #quantized(
    stored: FloatMatrix,
    [rows, cols]: readonly [number, number],
    doubleQuant: boolean,
  ): Promise<Weight> {
    const context = this.#context;
    const { derived = null } = this.#storage;
    if (derived?.checkpoint) {
      const matrix = { tensor: stored.tensor, rows, cols };
      try {
        return await loadDerivedMatrix(context, derived.checkpoint, matrix, doubleQuant);
      } catch (error) {
        context.gpu.throwIfFailed();
        context.checkAlive();
        derived.forget(error);
      }
    }
    const weight = await loadNf4Matrix(context, stored, [rows, cols], doubleQuant);
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

  /** Frees every tensor it has brought, also those of a load that failed half-way. */
  dispose(): void {
    this.#context.dispose();
  }
}
