import type { Gpu } from '../gpu/device.ts';
import { slice, type Tensor } from '../gpu/tensor.ts';
import { readFloats, upload } from '../gpu/transfer.ts';
import { STATE_BLOCK } from '../kernels/adamW8bit.ts';
import { assert } from '../lib/errors.ts';
import { createRandom } from '../lib/random.ts';
import type { LoraModule } from './loraModules.ts';

/**
 * A matrix starts at a multiple of this many elements of the flat buffer, so that it begins a block of 8-bit optimizer
 * states. Bindings need a multiple of 64 (256 bytes).
 */
const ALIGNMENT = STATE_BLOCK;

/** A and B of one module, as views of one flat buffer. */
export interface LoraPair {
  /** [rank, in] */
  a: Tensor;
  /** [out, rank] */
  b: Tensor;
  rank: number;
  scale: number;
}

/** Values of one module's A [rank, in] and B [out, rank], off the GPU. */
export interface LoraValues {
  a: Float32Array<ArrayBuffer>;
  b: Float32Array<ArrayBuffer>;
}

/** Where one A or B is in the flat buffer, in elements. */
export interface FlatMatrix {
  start: number;
  size: number;
}

interface Place {
  module: LoraModule;
  aStart: number;
  bStart: number;
}

/** The adapter: every A and B in one flat f32 buffer, so that norm, clip and AdamW are one dispatch each. */
export class LoraAdapter {
  readonly modules: readonly LoraModule[];
  /** [count] f32; zero between the matrices. */
  readonly params: Tensor;
  /** Length of the flat buffer in elements. */
  readonly count: number;
  /** Trainable parameters: the matrices without the gaps. */
  readonly parameters: number;
  /** Every A and B, in the buffer's order. */
  readonly matrices: readonly FlatMatrix[];
  readonly #gpu: Gpu;
  readonly #places = new Map<string, Place>();

  constructor(gpu: Gpu, modules: readonly LoraModule[]) {
    this.#gpu = gpu;
    this.modules = modules;
    let at = 0;
    const matrices: FlatMatrix[] = [];
    const reserve = (size: number) => {
      const start = at;
      at += Math.ceil(size / ALIGNMENT) * ALIGNMENT;
      matrices.push({ start, size });
      return start;
    };
    for (const module of modules) {
      const { inFeatures, outFeatures } = module.linear;
      const aStart = reserve(module.rank * inFeatures);
      const bStart = reserve(outFeatures * module.rank);
      this.#places.set(key(module.layer, module.linear.path), { module, aStart, bStart });
    }
    this.count = at;
    this.parameters = matrices.reduce((sum, { size }) => sum + size, 0);
    this.matrices = matrices;
    this.params = gpu.memory.tensor('f32', [at], 'LoRA parameters', 'adapter');
  }

  /** A and B of a module as views of `flat`: the parameters, or a buffer of the same layout (gradients). */
  pair(layer: number, path: string, flat: Tensor = this.params): LoraPair | null {
    const place = this.#places.get(key(layer, path));
    if (!place) return null;
    const { module, aStart, bStart } = place;
    const { rank, scale, linear } = module;
    return {
      a: slice(flat, aStart, [rank, linear.inFeatures]),
      b: slice(flat, bStart, [linear.outFeatures, rank]),
      rank,
      scale,
    };
  }

  /**
   * PEFT's initial values: A from U(±1/√in) (kaiming_uniform with a = √5), B zero, so that the tuned model
   * starts as the base. The same seed gives the same bits.
   */
  initialize(seed: number): void {
    const random = createRandom(seed);
    for (const { module } of this.#places.values()) {
      const { inFeatures, outFeatures } = module.linear;
      const bound = 1 / Math.sqrt(inFeatures);
      const stream = random.fork(module.path);
      const a = Float32Array.from(
        { length: module.rank * inFeatures },
        () => (2 * stream.next() - 1) * bound,
      );
      this.write(module, { a, b: new Float32Array(outFeatures * module.rank) });
    }
  }

  /** Sets a module's matrices. */
  write({ layer, linear, path }: LoraModule, { a, b }: LoraValues): void {
    const pair = this.pair(layer, linear.path);
    assert(pair, `the adapter has no module ${path}`);
    upload(this.#gpu, pair.a, a);
    upload(this.#gpu, pair.b, b);
  }

  /** Reads every module's matrices back, in order. */
  async read(): Promise<Map<LoraModule, LoraValues>> {
    const flat = await readFloats(this.#gpu, this.params);
    const values = new Map<LoraModule, LoraValues>();
    for (const { module, aStart, bStart } of this.#places.values()) {
      const { rank, linear } = module;
      const a = flat.slice(aStart, aStart + rank * linear.inFeatures);
      const b = flat.slice(bStart, bStart + linear.outFeatures * rank);
      values.set(module, { a, b });
    }
    return values;
  }

  dispose(): void {
    this.#gpu.memory.free(this.params);
  }
}

function key(layer: number, path: string): string {
  return `${layer}.${path}`;
}
