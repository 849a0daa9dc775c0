import { decodeFloats } from '../formats/floats.ts';
import type { FloatMatrix, StoredMatrix } from '../formats/quantized/types.ts';
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
import { makeRooms, type MatrixRoom } from './load/siblingRoom.ts';
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
  async matrix(spec: MatrixSpec, room: MatrixRoom | null = null): Promise<Weight> {
    const { rows, cols, linear } = spec;
    const { quantize, halve } = this.#storage;
    const size = [rows, cols] as const;
    const stored = this.#stored(spec);
    if (stored.kind === 'bnb') return loadBnbMatrix(this.#context, stored, size, room);
    if (stored.kind !== 'float') {
      return loadInt4Matrix(this.#context, stored, size, this.#files.quantization, room);
    }
    if (linear && quantize) return this.#quantized(stored, size, quantize.doubleQuant, room);
    return loadFloatMatrix(this.#context, stored, size, halve, undefined, room);
  }

  /** Linear layers that read the same input: as one matrix, their rows one below the other, or each by itself. */
  async siblings(specs: readonly MatrixSpec[]): Promise<Weight[]> {
    const siblings = specs.map((spec) => ({ stored: this.#stored(spec), rows: spec.rows, cols: spec.cols }));
    const found = makeRooms(this.#context, siblings, this.#storage);
    const weights: Weight[] = [];
    for (const [i, spec] of specs.entries()) weights.push(await this.matrix(spec, found?.rooms[i] ?? null));
    return found ? [found.joined] : weights;
  }

  /** Some rows of a matrix that is stored in floats. */
  async rows({ module, rows, cols }: MatrixSpec, only: RowRange): Promise<Weight> {
    const stored = this.#files.matrices.get(module);
    assert(stored?.kind === 'float', `rows of ${module} do not come alone`);
    return loadFloatMatrix(this.#context, stored, [rows, cols], this.#storage.halve, only);
  }

  /** A vector as f32: a norm weight or a bias. Throws `model.tensor_dtype`. */
  async vector(name: string, length: number): Promise<Tensor> {
    const values = await this.#floats(name);
    const tensor = this.#context.tensor('f32', [length], name);
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

  /** Biases of layers beside each other: zero for one without, null where none has one. Throws `model.tensor_dtype`. */
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

  /** In 4 bits: as an earlier load has left it on disk, else made now, and left there. */
  async #quantized(
    stored: FloatMatrix,
    [rows, cols]: readonly [number, number],
    doubleQuant: boolean,
    room: MatrixRoom | null,
  ): Promise<Weight> {
    const context = this.#context;
    const { derived = null } = this.#storage;
    if (derived?.checkpoint) {
      const matrix = { tensor: stored.tensor, rows, cols };
      try {
        return await loadDerivedMatrix(context, derived.checkpoint, matrix, doubleQuant, room);
      } catch (error) {
        context.gpu.throwIfFailed();
        context.checkAlive();
        derived.forget(error);
      }
    }
    const weight = await loadNf4Matrix(context, stored, [rows, cols], doubleQuant, room);
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
