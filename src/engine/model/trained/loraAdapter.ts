import { loraKey, type PeftAdapter } from '../../../content/formats/peft.ts';
import { savedKey } from '../../../content/formats/peftSaved.ts';
import type { Gpu } from '../../gpu/device.ts';
import { readFloats, upload } from '../../gpu/transfer.ts';
import { MAX_MEMBERS } from '../../kernels/matmul.ts';
import type { Weight } from '../../kernels/weight.ts';
import { assert } from '../../../base/lib/errors.ts';
import { createRandom, type Random } from '../../../base/lib/random.ts';
import type { Tensor } from '../../gpu/tensor.ts';
import { AdapterBiases } from './adapterBiases.ts';
import { adapterToPeft } from './adapterToPeft.ts';
import { DoraScales } from './doraScales.ts';
import { keyOf, layOut, movedValues, type LoraLayout, type MoveValues } from './loraLayout.ts';
import { isHead, type LoraModule } from './loraModules.ts';
import {
  joinedRange,
  matrixAt,
  type ParameterBuffers,
  type ParameterRange,
  type Segment,
} from '../decoder/parameters.ts';
import type { FusedGroup } from '../spec/fusedProjections.ts';
import type { SavedMatrix, SavedSpec } from './savedModules.ts';
import type { AdapterDescription, Growable, NamedWeight } from './trainable.ts';
import type { VocabularyRole } from '../weights/vocabulary.ts';
import type { DoraGroup, LoraGroup, LoraPair, LoraValues } from './loraGroup.ts';

/** What LoRA trains: A and B of each module, and matrices that are trained in full beside them. */
export class LoraAdapter implements Growable {
  readonly kind = 'adapter';
  readonly gpu: Gpu;
  readonly keepsActivations = false;
  readonly #savedSpecs: readonly SavedSpec[];
  readonly #ratio: number;
  #layout: LoraLayout;
  #params: ParameterBuffers;
  readonly #biases: AdapterBiases;
  /** Null without DoRA. */
  readonly #dora: DoraScales | null;
  /** Caches groups, so that a step allocates nothing. */
  readonly #groups = new WeakMap<ParameterBuffers, Map<string, LoraGroup | null>>();

  /**
   * @param biases trained elsewhere, by module: they replace the model's, and are not trained further
   * @param ratio of the learning rates of B and A (LoRA+)
   */
  constructor(
    gpu: Gpu,
    modules: readonly LoraModule[],
    saved: readonly SavedSpec[] = [],
    biases: PeftAdapter['biases'] = new Map(),
    ratio = 1,
  ) {
    this.#ratio = ratio;
    this.gpu = gpu;
    this.#savedSpecs = saved;
    this.#layout = layOut(gpu, modules, saved, ratio);
    this.#params = this.#layout.parameters.make(gpu, 'trained parameters', 'adapter');
    this.#biases = new AdapterBiases(gpu, biases);
    this.#dora = modules.some(({ dora }) => dora) ? new DoraScales(gpu) : null;
  }

  get modules(): readonly LoraModule[] {
    return this.#layout.modules;
  }

  /** Matrices trained in full (PEFT's modules_to_save), initialized from the model. */
  get saved(): readonly SavedMatrix[] {
    return this.#layout.saved;
  }

  /** Whoever takes them may change them, so that DoRA's norms are computed again. */
  get params(): ParameterBuffers {
    this.#dora?.forget();
    return this.#params;
  }

  get hasDora(): boolean {
    return this.#dora !== null;
  }

  get growable(): this {
    return this;
  }

  get rank(): number {
    const { rank, times = 1 } = this.modules[0]!;
    return rank / times;
  }

  setRank(rank: number): MoveValues {
    const before = this.#layout;
    const modules = before.modules.map((module) => ({ ...module, rank: (module.times ?? 1) * rank }));
    const after = layOut(this.gpu, modules, this.#savedSpecs, this.#ratio);
    this.#free();
    this.#dora?.forget();
    this.#layout = after;
    this.#params = after.parameters.make(this.gpu, 'trained parameters', 'adapter');
    return (values) => movedValues(before, after, values);
  }

  /** Number of trained parameters. */
  get parameters(): number {
    return this.#layout.parameters.parameters;
  }

  /** The contents of each buffer. */
  get segments(): readonly Segment[] {
    return this.#layout.parameters.segments;
  }

  /** Zeroed gradient buffers in the layout of the parameters. */
  makeGradients(): ParameterBuffers {
    return this.#layout.parameters.make(this.gpu, 'gradients', 'gradients');
  }

  /** A, B and magnitudes of a module in the parameters, or in buffers of the same layout. */
  pair(layer: number, path: string, buffers: ParameterBuffers = this.#params): LoraPair | null {
    const range = this.#layout.ranges.get(keyOf(layer, path));
    if (!range) return null;
    const { rank, frozen = 0, scale, linear } = range.module;
    const { experts = 1, inFeatures, outFeatures } = linear;
    return {
      a: matrixAt(buffers, range.a, [experts * rank, inFeatures]),
      b: matrixAt(buffers, range.b, [experts * outFeatures, rank]),
      rank,
      trained: rank - frozen,
      scale,
      magnitudes: range.magnitudes && matrixAt(buffers, range.magnitudes, [linear.outFeatures]),
    };
  }

  /** The adapters of fused projections, in the parameters or in buffers of the same layout; null if there are none. */
  group(layer: number, group: FusedGroup, buffers: ParameterBuffers = this.#params): LoraGroup | null {
    let known = this.#groups.get(buffers);
    if (!known) this.#groups.set(buffers, (known = new Map()));
    const at = keyOf(layer, group.name);
    let found = known.get(at);
    if (found === undefined) known.set(at, (found = this.#makeGroup(layer, group, buffers)));
    return found;
  }

  #makeGroup(
    layer: number,
    { name, linears, inFeatures, width }: FusedGroup,
    buffers: ParameterBuffers,
  ): LoraGroup | null {
    const ranges = linears.map(({ path }) => this.#layout.ranges.get(keyOf(layer, path)) ?? null);
    const present = ranges.filter((range) => range !== null);
    const [first] = present;
    if (!first) return null;
    const { rank: each, scale } = first.module;
    const even =
      present.length === linears.length &&
      linears.length <= MAX_MEMBERS &&
      present.every(({ module }) => module.rank === each && module.scale === scale);
    let rank = 0;
    const columns = ranges.map((range) => {
      rank += range?.module.rank ?? 0;
      return rank - (range?.module.rank ?? 0);
    });
    const a = joinedRange(present.map((range) => range.a));
    const b = even ? joinedRange(present.map((range) => range.b)) : null;
    return {
      pairs: linears.map(({ path }) => this.pair(layer, path, buffers)),
      columns,
      rank,
      a: a && matrixAt(buffers, a, [rank, inFeatures]),
      b: b && matrixAt(buffers, b, [width, each]),
      dora: this.#doraOf(keyOf(layer, name), width),
    };
  }

  #doraOf(key: string, width: number): DoraGroup | null {
    const dora = this.#dora;
    return dora && { scales: dora.get(key, width), takeStale: (strength) => dora.takeStale(key, strength) };
  }

  biases(layer: number, group: FusedGroup): readonly (Tensor | null)[] | null {
    return this.#biases.of(layer, group);
  }

  headLora(buffers: ParameterBuffers = this.#params): LoraPair | null {
    const head = this.modules.find(isHead);
    return head ? this.pair(head.layer, head.linear.path, buffers) : null;
  }

  get lowestLayer(): number {
    const saved = this.saved.some(({ spec }) => spec.role === 'embedding');
    return saved ? 0 : Math.min(...this.modules.map(({ layer }) => layer));
  }

  vocabulary(role: VocabularyRole, buffers: ParameterBuffers = this.#params): Weight | null {
    const matches = ({ spec }: SavedMatrix) =>
      spec.role === role || (role === 'head' && spec.tiesHead !== undefined);
    return this.saved.find(matches)?.weight(buffers) ?? null;
  }

  /** LoRA does not replace the blocks' weights. */
  block(): null {
    return null;
  }

  finalNorm(): null {
    return null;
  }

  /**
   * PEFT's initial values: A from U(±1/√in) (kaiming_uniform with a = √5), B zero, so that the adapted model starts as
   * the base. The same seed gives the same bits.
   */
  initialize(seed: number): void {
    const random = createRandom(seed);
    for (const { module } of this.#layout.ranges.values()) {
      const { outFeatures, experts = 1 } = module.linear;
      const b = new Float32Array(experts * outFeatures * module.rank);
      this.write(module, { a: initialA(module, random), b });
    }
  }

  initializeFrom(rank: number, seed: number): void {
    const random = createRandom(seed);
    for (const { module } of this.#layout.ranges.values()) {
      const fresh = initialA(module, random);
      const { a } = this.pair(module.layer, module.linear.path)!;
      const { inFeatures, experts = 1 } = module.linear;
      for (let expert = 0; expert < experts; expert++) {
        const end = (expert + 1) * module.rank * inFeatures;
        const start = (expert * module.rank + (module.times ?? 1) * rank) * inFeatures;
        upload(this.gpu, { ...a, offset: a.offset + 4 * start }, fresh.subarray(start, end));
      }
    }
  }

  /** Writes a module's matrices. */
  write({ layer, linear, path }: LoraModule, { a, b, magnitudes }: LoraValues): void {
    const pair = this.pair(layer, linear.path);
    this.#dora?.forget();
    assert(pair, `the adapter has no module ${path}`);
    upload(this.gpu, pair.a, a);
    upload(this.gpu, pair.b, b);
    if (pair.magnitudes && magnitudes) upload(this.gpu, pair.magnitudes, magnitudes);
  }

  /** Reads back the matrices of every module, in order. */
  async read(): Promise<Map<LoraModule, LoraValues>> {
    const buffers: Float32Array<ArrayBuffer>[] = [];
    const used = [...this.#layout.ranges.values()].flatMap(({ a, b, magnitudes }) => [
      a,
      b,
      ...(magnitudes ? [magnitudes] : []),
    ]);
    for (const segment of new Set(used.map((range) => range.segment)))
      buffers[segment] = await readFloats(this.gpu, this.#params[segment]!);
    const valuesAt = ({ segment, start, size }: ParameterRange) =>
      buffers[segment]!.slice(start, start + size);
    return new Map(
      [...this.#layout.ranges.values()].map(({ module, a, b, magnitudes }) => [
        module,
        { a: valuesAt(a), b: valuesAt(b), ...(magnitudes && { magnitudes: valuesAt(magnitudes) }) },
      ]),
    );
  }

  toPeft(about: AdapterDescription): Promise<PeftAdapter> {
    return adapterToPeft(this, about, this.#biases.values);
  }

  *named(): Generator<NamedWeight> {
    for (const { path, layer, linear, rank } of this.modules) {
      const { a, b } = this.pair(layer, linear.path)!;
      yield { name: loraKey(path, 'A'), weight: inOneChunk(a, rank, linear.inFeatures) };
      yield { name: loraKey(path, 'B'), weight: inOneChunk(b, linear.outFeatures, rank) };
    }
    for (const matrix of this.saved) {
      const { module, tiesHead } = matrix.spec;
      yield { name: savedKey(module), weight: matrix.weight(this.params), tiesHead };
    }
  }

  trainedModel(): null {
    return null;
  }

  dispose(): void {
    this.#free();
    this.#dora?.dispose();
    this.#biases.dispose();
  }

  #free(): void {
    for (const tensor of this.#params) this.gpu.memory.free(tensor);
  }
}

function inOneChunk(data: Tensor, rows: number, cols: number): Weight {
  return { rows, cols, chunks: [{ rowStart: 0, rows, cols, encoding: { format: 'f32' }, data }] };
}

function initialA({ path, rank, linear }: LoraModule, random: Random): Float32Array<ArrayBuffer> {
  const bound = 1 / Math.sqrt(linear.inFeatures);
  const stream = random.fork(path);
  const length = (linear.experts ?? 1) * rank * linear.inFeatures;
  return Float32Array.from({ length }, () => (2 * stream.next() - 1) * bound);
}
