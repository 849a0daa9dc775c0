import type { Gpu } from '../gpu/device.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { readFloats, upload } from '../gpu/transfer.ts';
import type { Weight } from '../kernels/weight.ts';
import { assert } from '../lib/errors.ts';
import { createRandom, type Random } from '../lib/random.ts';
import { keyOf, layOut, movedValues, type LoraLayout, type MoveValues } from './loraLayout.ts';
import { isHead, type LoraModule } from './loraModules.ts';
import { joinedPlace, matrixAt, type ParameterBuffers, type Place, type Segment } from './parameters.ts';
import type { SiblingGroup } from './siblings.ts';
import type { SavedMatrix, SavedSpec } from './savedModules.ts';
import type { Trainable } from './trainable.ts';
import type { VocabularyRole } from './vocabulary.ts';

/** A and B of one module, as views of the parameters or of their gradients. */
export interface LoraPair {
  /** [rank, in] */
  a: Tensor;
  /** [out, rank] */
  b: Tensor;
  rank: number;
  scale: number;
}

/** The adapters of layers that read the same input. */
export interface LoraGroup {
  /** Of each layer; null for one without an adapter. */
  pairs: readonly (LoraPair | null)[];
  /** The first column of each layer's u, where those of all lie beside each other. */
  columns: readonly number[];
  /** Sum of the ranks: columns of u. */
  rank: number;
  /** A of all of them as one matrix [rank, in], where they follow each other without a gap. */
  a: Tensor | null;
  /** B of all as one matrix [out, rank of each], where no layer lacks one and ranks and scales are the same. */
  b: Tensor | null;
}

/** Values of one module's A [rank, in] and B [out, rank], off the GPU. */
export interface LoraValues {
  a: Float32Array<ArrayBuffer>;
  b: Float32Array<ArrayBuffer>;
}

/** What LoRA trains: A and B of each module, and matrices that are trained in full beside them. */
export class LoraAdapter implements Trainable {
  readonly gpu: Gpu;
  readonly keepsActivations = false;
  readonly #savedSpecs: readonly SavedSpec[];
  #shape: LoraLayout;
  #params: ParameterBuffers;
  /** What was asked for, so that a step makes no objects anew. */
  readonly #groups = new WeakMap<ParameterBuffers, Map<string, LoraGroup | null>>();

  constructor(gpu: Gpu, modules: readonly LoraModule[], saved: readonly SavedSpec[] = []) {
    this.gpu = gpu;
    this.#savedSpecs = saved;
    this.#shape = layOut(gpu, modules, saved);
    this.#params = this.#shape.layout.make(gpu, 'trained parameters', 'adapter');
  }

  get modules(): readonly LoraModule[] {
    return this.#shape.modules;
  }

  /** Matrices trained in full (PEFT's modules_to_save); their values come from the model. */
  get saved(): readonly SavedMatrix[] {
    return this.#shape.saved;
  }

  get params(): ParameterBuffers {
    return this.#params;
  }

  /**
   * Gives every module another rank, its scale unchanged. The parameters are zero afterwards, in buffers of their own,
   * and what was made for those before is of no use any more.
   * @returns puts values of the layout before, an array a buffer, where they belong in the new one
   */
  setRank(rank: number): MoveValues {
    const before = this.#shape;
    const modules = before.modules.map((module) => ({ ...module, rank }));
    const after = layOut(this.gpu, modules, this.#savedSpecs);
    this.dispose();
    this.#shape = after;
    this.#params = after.layout.make(this.gpu, 'trained parameters', 'adapter');
    return (values) => movedValues(before, after, values);
  }

  /** Number of trained parameters. */
  get parameters(): number {
    return this.#shape.layout.parameters;
  }

  /** What each of the buffers holds. */
  get segments(): readonly Segment[] {
    return this.#shape.layout.segments;
  }

  /** Zeroed buffers of the parameters' layout, for gradients. */
  makeGradients(): ParameterBuffers {
    return this.#shape.layout.make(this.gpu, 'gradients', 'gradients');
  }

  /** A and B of a module in the parameters, or in buffers of the same layout. */
  pair(layer: number, path: string, buffers: ParameterBuffers = this.params): LoraPair | null {
    const place = this.#shape.places.get(keyOf(layer, path));
    if (!place) return null;
    const { rank, scale, linear } = place.module;
    return {
      a: matrixAt(buffers, place.a, [rank, linear.inFeatures]),
      b: matrixAt(buffers, place.b, [linear.outFeatures, rank]),
      rank,
      scale,
    };
  }

  /** The adapters of sibling layers, in the parameters or in buffers of the same layout; null where none has one. */
  group(layer: number, group: SiblingGroup, buffers: ParameterBuffers = this.params): LoraGroup | null {
    let known = this.#groups.get(buffers);
    if (!known) this.#groups.set(buffers, (known = new Map()));
    const at = keyOf(layer, group.name);
    let found = known.get(at);
    if (found === undefined) known.set(at, (found = this.#makeGroup(layer, group, buffers)));
    return found;
  }

  #makeGroup(
    layer: number,
    { linears, inFeatures, width }: SiblingGroup,
    buffers: ParameterBuffers,
  ): LoraGroup | null {
    const places = linears.map(({ path }) => this.#shape.places.get(keyOf(layer, path)) ?? null);
    const present = places.filter((place) => place !== null);
    const [first] = present;
    if (!first) return null;
    const { rank: each, scale } = first.module;
    const even =
      present.length === linears.length &&
      present.every(({ module }) => module.rank === each && module.scale === scale);
    let rank = 0;
    const columns = places.map((place) => {
      rank += place?.module.rank ?? 0;
      return rank - (place?.module.rank ?? 0);
    });
    const a = joinedPlace(present.map((place) => place.a));
    const b = even ? joinedPlace(present.map((place) => place.b)) : null;
    return {
      pairs: linears.map(({ path }) => this.pair(layer, path, buffers)),
      columns,
      rank,
      a: a && matrixAt(buffers, a, [rank, inFeatures]),
      b: b && matrixAt(buffers, b, [width, each]),
    };
  }

  headLora(buffers: ParameterBuffers = this.params): LoraPair | null {
    const head = this.modules.find(isHead);
    return head ? this.pair(head.layer, head.linear.path, buffers) : null;
  }

  get lowestLayer(): number {
    const saved = this.saved.some(({ spec }) => spec.role === 'embedding');
    return saved ? 0 : Math.min(...this.modules.map(({ layer }) => layer));
  }

  vocabulary(role: VocabularyRole, buffers: ParameterBuffers = this.params): Weight | null {
    const isWanted = ({ spec }: SavedMatrix) =>
      spec.role === role || (role === 'head' && spec.tiesHead !== undefined);
    return this.saved.find(isWanted)?.weight(buffers) ?? null;
  }

  /** Blocks are the model's own: LoRA adds to what they make. */
  block(): null {
    return null;
  }

  finalNorm(): null {
    return null;
  }

  /**
   * PEFT's initial values: A from U(±1/√in) (kaiming_uniform with a = √5), B zero, so that the tuned model
   * starts as the base. The same seed gives the same bits.
   */
  initialize(seed: number): void {
    const random = createRandom(seed);
    for (const { module } of this.#shape.places.values()) {
      const b = new Float32Array(module.linear.outFeatures * module.rank);
      this.write(module, { a: initialA(module, random), b });
    }
  }

  /** Gives the rows of A from `rank` on the values that `initialize` gives them. */
  initializeFrom(rank: number, seed: number): void {
    const random = createRandom(seed);
    for (const { module } of this.#shape.places.values()) {
      const fresh = initialA(module, random);
      const { a } = this.pair(module.layer, module.linear.path)!;
      const start = rank * module.linear.inFeatures;
      upload(this.gpu, { ...a, offset: a.offset + 4 * start }, fresh.subarray(start));
    }
  }

  /** Sets a module's matrices. */
  write({ layer, linear, path }: LoraModule, { a, b }: LoraValues): void {
    const pair = this.pair(layer, linear.path);
    assert(pair, `the adapter has no module ${path}`);
    upload(this.gpu, pair.a, a);
    upload(this.gpu, pair.b, b);
  }

  /** Reads every module's matrices back, in order. */
  async read(): Promise<Map<LoraModule, LoraValues>> {
    const buffers: Float32Array<ArrayBuffer>[] = [];
    const used = [...this.#shape.places.values()].flatMap(({ a, b }) => [a.segment, b.segment]);
    for (const segment of new Set(used)) buffers[segment] = await readFloats(this.gpu, this.params[segment]!);
    const valuesAt = ({ segment, start, size }: Place) => buffers[segment]!.slice(start, start + size);
    return new Map(
      [...this.#shape.places.values()].map(({ module, a, b }) => [
        module,
        { a: valuesAt(a), b: valuesAt(b) },
      ]),
    );
  }

  dispose(): void {
    for (const tensor of this.params) this.gpu.memory.free(tensor);
  }
}

function initialA({ path, rank, linear }: LoraModule, random: Random): Float32Array<ArrayBuffer> {
  const bound = 1 / Math.sqrt(linear.inFeatures);
  const stream = random.fork(path);
  return Float32Array.from({ length: rank * linear.inFeatures }, () => (2 * stream.next() - 1) * bound);
}
