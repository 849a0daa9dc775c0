import type { Commands } from '../../gpu/commands.ts';
import type { Gpu } from '../../gpu/device.ts';
import type { Tensor } from '../../gpu/tensor.ts';
import type { Weight } from '../../kernels/weight.ts';
import { assert, GraftError } from '../../../base/lib/errors.ts';
import type { Decoder } from '../decoder/decoder.ts';
import {
  joinedRange,
  matrixAt,
  ParameterLayout,
  type ParameterBuffers,
  type ParameterRange,
  type Segment,
} from '../decoder/parameters.ts';
import { groupNames, groupsIn, type GroupName, type FusedGroup } from '../spec/fusedProjections.ts';
import { mixerTensors, type MixerRole } from '../spec/mixers.ts';
import { BLOCK_NORMS, modulePath, normTable, type BlockNorm, type DecoderSpec } from '../spec/spec.ts';
import type { NamedWeight, Trainable, TrainedModel } from './trainable.ts';
import { TrainedExperts } from './trainedExperts.ts';
import { TrainedMatrix } from './trainedMatrix.ts';
import { copyVocabulary } from './modelValues.ts';
import { readableRows } from '../weights/floatRows.ts';
import type { VocabularyRole } from '../weights/vocabulary.ts';
import { noWeights, type BlockWeights, type GroupWeights } from '../weights/weights.ts';

/** A tensor of the model, by its checkpoint name; vectors are matrices of one row. */
export interface TrainedTensor {
  name: string;
  rows: number;
  cols: number;
  /** Its view in the parameters, or in buffers of the same layout. */
  weight(buffers: ParameterBuffers): Weight;
}

/** The ranges of fused projections. */
interface GroupRanges {
  group: FusedGroup;
  matrices: TrainedMatrix[];
  /** [width], the biases of all projections in order, or null. */
  bias: ParameterRange | null;
}

/** A small tensor of a block: which it is, its path in the block, and its range. */
interface SmallRange<Role> {
  role: Role;
  path: string;
  range: ParameterRange;
}

interface BlockRanges {
  groups: GroupRanges[];
  norms: SmallRange<BlockNorm>[];
  mixer: SmallRange<MixerRole>[];
  experts: TrainedExperts | null;
}

/**
 * All parameters of a model in f32, for training without an adapter (method "full"): embedding, head, matrices, biases
 * and norm weights. Passes use them instead of the model's own, which stay unchanged on the GPU: strength 0 is the
 * original model. A tied head is the embedding, and its gradient is the sum of both. Norms and biases are not decayed
 * (`ParameterLayout.reserve`).
 *
 *   const trained = new FullParameters(decoder.gpu, decoder.spec);
 *   await trained.copyModel(decoder);
 *   await train({ decoder, adapter: trained, recipe: { …, method: 'full' }, … });
 *
 * or `startTraining` (train/startTraining.ts), which goes by the recipe. `trainedModel()` reads the result.
 */
export class FullParameters implements Trainable {
  readonly kind = 'model';
  readonly growable = null;
  readonly gpu: Gpu;
  readonly spec: DecoderSpec;
  readonly params: ParameterBuffers;
  readonly lowestLayer = 0;
  readonly keepsActivations: boolean;
  /** All tensors, once each, in model order. */
  readonly tensors: readonly TrainedTensor[];
  readonly #layout: ParameterLayout;
  readonly #embedding: TrainedMatrix;
  /** The same as the embedding if the two are tied. */
  readonly #head: TrainedMatrix;
  readonly #blocks: readonly BlockRanges[];
  readonly #finalNorm: ParameterRange | null;
  /** Caches views, so that a step allocates nothing. */
  readonly #known = new WeakMap<ParameterBuffers, (BlockWeights | undefined)[]>();

  /** @param keepsActivations see `Trainable`; models trained in full are usually small */
  constructor(gpu: Gpu, spec: DecoderSpec, keepsActivations = true) {
    this.gpu = gpu;
    this.keepsActivations = keepsActivations;
    this.spec = spec;
    const layout = new ParameterLayout(gpu);
    const table = { rows: spec.vocabSize, cols: spec.hiddenSize };
    this.#embedding = new TrainedMatrix(table, layout);
    this.#blocks = Array.from({ length: spec.layers }, (_, layer) => reserveBlock(spec, layer, layout));
    this.#finalNorm = spec.normWeights ? layout.reserve(spec.hiddenSize, { decays: false }) : null;
    this.#head = spec.tied ? this.#embedding : new TrainedMatrix(table, layout);
    this.#layout = layout;
    this.params = layout.make(gpu, 'trained parameters', 'adapter');
    this.tensors = [...this.#named()];
  }

  get parameters(): number {
    return this.#layout.parameters;
  }

  get segments(): readonly Segment[] {
    return this.#layout.segments;
  }

  makeGradients(): ParameterBuffers {
    return this.#layout.make(this.gpu, 'gradients', 'gradients');
  }

  /** There is no adapter. */
  group(): null {
    return null;
  }

  pair(): null {
    return null;
  }

  *named(): Generator<NamedWeight> {
    for (const { name, weight } of this.tensors) yield { name, weight: weight(this.params) };
  }

  /** They are in its blocks. */
  biases(): null {
    return null;
  }

  headLora(): null {
    return null;
  }

  vocabulary(role: VocabularyRole, buffers: ParameterBuffers = this.params): Weight {
    return (role === 'embedding' ? this.#embedding : this.#head).weight(buffers);
  }

  finalNorm(buffers: ParameterBuffers = this.params): Tensor | null {
    return this.#finalNorm && matrixAt(buffers, this.#finalNorm, [this.#finalNorm.size]);
  }

  block(layer: number, buffers: ParameterBuffers = this.params): BlockWeights {
    let known = this.#known.get(buffers);
    if (!known) this.#known.set(buffers, (known = []));
    return (known[layer] ??= blockAt(this.#blocks[layer]!, buffers));
  }

  /** Initializes the parameters from the decoder's model, whose weights must all be on the GPU. */
  async copyModel(decoder: Decoder): Promise<void> {
    const { weights, commands } = decoder;
    assert(!weights.streams, 'all parameters of a model that comes block by block');
    await copyVocabulary(decoder, 'embedding', this.#embedding, this.params);
    if (this.#head !== this.#embedding) await copyVocabulary(decoder, 'head', this.#head, this.params);
    for (const [layer, ranges] of this.#blocks.entries()) {
      this.#copyBlock(commands, ranges, await weights.block(layer), layer);
      weights.release(layer);
      commands.maySubmit();
    }
    const [from, to] = [await weights.finalNorm(), this.finalNorm()];
    if (from && to) commands.copy(from, to);
    commands.submit();
  }

  #copyBlock(commands: Commands, ranges: BlockRanges, frozen: BlockWeights, layer: number): void {
    const own = this.block(layer);
    for (const { role } of ranges.norms) commands.copy(frozen.norms[role]!, own.norms[role]!);
    for (const { role } of ranges.mixer) commands.copy(frozen.mixer[role]!, own.mixer[role]!);
    for (const { group, matrices } of ranges.groups) {
      const { parts, bias } = frozen.groups[group.name];
      matrices.forEach((matrix, i) => {
        for (const { weight, start } of parts) {
          matrix.copyFrom(commands, weight, this.params, start - group.starts[i]!);
        }
      });
      const target = own.groups[group.name].bias;
      if (target) commands.copy(bias!, target);
    }
    if (frozen.experts) ranges.experts?.copyFrom(commands, frozen.experts, this.params);
  }

  *#named(): Generator<TrainedTensor> {
    const { names, layers, tied } = this.spec;
    yield tensorOf(`${names.embedding}.weight`, this.#embedding);
    for (let layer = 0; layer < layers; layer++) yield* this.#namedOfBlock(layer);
    if (this.#finalNorm) yield vectorOf(`${names.finalNorm}.weight`, this.#finalNorm);
    if (!tied) yield tensorOf(`${names.head}.weight`, this.#head);
  }

  *#namedOfBlock(layer: number): Generator<TrainedTensor> {
    const { groups, norms, mixer, experts } = this.#blocks[layer]!;
    for (const { group, matrices, bias } of groups) {
      for (const [i, { path, outFeatures }] of group.linears.entries()) {
        const module = modulePath(this.spec, layer, path);
        yield tensorOf(`${module}.weight`, matrices[i]!);
        if (bias) yield vectorOf(`${module}.bias`, bias, group.starts[i], outFeatures);
      }
    }
    for (const { module, matrix, start, rows, cols } of experts?.named() ?? [])
      yield {
        name: `${module}.weight`,
        rows,
        cols,
        weight: (buffers) => matrix.rowsAt(buffers, start, rows),
      };
    for (const { path, range } of [...norms, ...mixer])
      yield vectorOf(modulePath(this.spec, layer, path), range);
  }

  toPeft(): Promise<never> {
    return Promise.reject(new GraftError('train.full_no_adapter'));
  }

  trainedModel(): TrainedModel {
    const { gpu, params } = this;
    return new Map(this.tensors.map(({ name, weight }) => [name, readableRows(gpu, weight(params))]));
  }

  dispose(): void {
    for (const tensor of this.params) this.gpu.memory.free(tensor);
  }
}

function reserveBlock(spec: DecoderSpec, layer: number, layout: ParameterLayout): BlockRanges {
  const groups = groupsIn(spec, layer).map((group) => {
    // Reserved in order, so that they form one matrix, as in the model.
    const sizes = group.linears.map(({ outFeatures: rows, inFeatures: cols }) => ({ rows, cols }));
    const matrices = sizes.map((size) => new TrainedMatrix(size, layout));
    const biased = group.linears.filter(({ bias }) => bias).length;
    assert(biased === 0 || biased === group.linears.length, `only some layers of ${group.name} have a bias`);
    return { group, matrices, bias: biased > 0 ? layout.reserve(group.width, { decays: false }) : null };
  });
  const table = normTable(spec);
  const norms = BLOCK_NORMS.flatMap((role) => {
    const vector = table[role];
    return vector
      ? [{ role, path: vector.path, range: layout.reserve(vector.length, { decays: false }) }]
      : [];
  });
  const mixer = mixerTensors(spec, spec.mixerOf(layer)).map(({ role, path, shape, decays }) => {
    const size = shape.reduce((product, n) => product * n, 1);
    return { role, path, range: layout.reserve(size, { decays }) };
  });
  const hasExperts = spec.feedForwardOf(layer) !== 'dense';
  const experts = hasExperts ? new TrainedExperts(spec, layer, layout) : null;
  return { groups, norms, mixer, experts };
}

function blockAt({ groups, norms, mixer, experts }: BlockRanges, buffers: ParameterBuffers): BlockWeights {
  const vectors = <Role>(ranges: readonly SmallRange<Role>[]) =>
    ranges.map(({ role, range }) => [role, matrixAt(buffers, range, [range.size])] as const);
  const entries = [
    ...groupNames.map((name) => [name, noWeights] as const),
    ...groups.map((ranges) => [ranges.group.name, groupAt(ranges, buffers)] as const),
  ];
  const absent = BLOCK_NORMS.map((norm) => [norm, null] as const);
  return {
    norms: Object.fromEntries([...absent, ...vectors(norms)]) as BlockWeights['norms'],
    mixer: Object.fromEntries(vectors(mixer)),
    groups: Object.fromEntries(entries) as Record<GroupName, GroupWeights>,
    experts: experts?.weights(buffers) ?? null,
  };
}

function groupAt({ group, matrices, bias }: GroupRanges, buffers: ParameterBuffers): GroupWeights {
  const { width: rows, inFeatures: cols, starts } = group;
  const whole = joinedRange(matrices.flatMap(({ ranges }) => ranges));
  const data = whole && matrixAt(buffers, whole, [rows, cols]);
  const joined = data && {
    rows,
    cols,
    chunks: [{ rowStart: 0, rows, cols, encoding: { format: 'f32' as const }, data }],
  };
  const parts = joined
    ? [{ weight: joined, start: 0 }]
    : matrices.map((matrix, i) => ({ weight: matrix.weight(buffers), start: starts[i]! }));
  return { parts, bias: bias && matrixAt(buffers, bias, [rows]) };
}

function tensorOf(name: string, matrix: TrainedMatrix): TrainedTensor {
  const { rows, cols } = matrix;
  return { name, rows, cols, weight: (buffers) => matrix.weight(buffers) };
}

/** `cols` elements of a vector from `first` on; by default all. */
function vectorOf(name: string, range: ParameterRange, first = 0, cols = range.size): TrainedTensor {
  return {
    name,
    rows: 1,
    cols,
    weight: (buffers) => {
      const whole = matrixAt(buffers, range, [range.size]);
      // For copies only: kernels could not bind it at this offset.
      const data: Tensor = { ...whole, offset: whole.offset + 4 * first, shape: [1, cols] };
      return { rows: 1, cols, chunks: [{ rowStart: 0, rows: 1, cols, encoding: { format: 'f32' }, data }] };
    },
  };
}
