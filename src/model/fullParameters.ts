import type { Commands } from '../gpu/commands.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Tensor } from '../gpu/tensor.ts';
import type { Weight } from '../kernels/weight.ts';
import { assert } from '../lib/errors.ts';
import type { Decoder } from './decoder.ts';
import {
  joinedPlace,
  matrixAt,
  ParameterLayout,
  type ParameterBuffers,
  type Place,
  type Segment,
} from './parameters.ts';
import { groupsOf, type GroupName, type SiblingGroup } from './siblings.ts';
import { HEAD_NORMS, modulePath, type DecoderSpec } from './spec.ts';
import type { Trainable } from './trainable.ts';
import { copyVocabulary, TrainedMatrix } from './trainedMatrix.ts';
import type { VocabularyRole } from './vocabulary.ts';
import type { BlockWeights, GroupWeights } from './weights.ts';

/** A tensor of the model, by its name in checkpoints: a vector is a matrix of one row. */
export interface TrainedTensor {
  name: string;
  rows: number;
  cols: number;
  /** It in the parameters, or in buffers of their layout. */
  weight(buffers: ParameterBuffers): Weight;
}

/** Linear layers that read the same input. */
interface GroupPlaces {
  group: SiblingGroup;
  matrices: TrainedMatrix[];
  /** [width], those of all layers one after the other, or null. */
  bias: Place | null;
}

interface BlockPlaces {
  groups: GroupPlaces[];
  norms: Record<'inputNorm' | 'postNorm', Place> & Record<'qNorm' | 'kNorm', Place | null>;
}

/**
 * Every parameter of a model, for training without an adapter (method "full"): embedding, head, matrices, biases and
 * weights of norms, in f32. Passes read them in place of the model's own, which stay as they are on the GPU: strength 0
 * is the model as it was. A tied head is the embedding, whose gradient is the sum of both. Norms and biases are not
 * decayed (`ParameterLayout.reserve`).
 *
 *   const trained = new FullParameters(decoder.gpu, decoder.spec);
 *   await trained.copyModel(decoder);
 *   await train({ decoder, adapter: trained, recipe: { …, method: 'full' }, … });
 *
 * or `startTraining` (train/startTraining.ts), which goes by the recipe. `trainedTensors` reads the result.
 */
export class FullParameters implements Trainable {
  readonly gpu: Gpu;
  readonly spec: DecoderSpec;
  readonly params: ParameterBuffers;
  readonly lowestLayer = 0;
  readonly keepsActivations: boolean;
  /** Every tensor, once, in the order of the model. */
  readonly tensors: readonly TrainedTensor[];
  readonly #layout: ParameterLayout;
  readonly #embedding: TrainedMatrix;
  /** The embedding where the two are tied. */
  readonly #head: TrainedMatrix;
  readonly #blocks: readonly BlockPlaces[];
  readonly #finalNorm: Place;
  /** What was asked for, so that a step makes no objects anew. */
  readonly #known = new WeakMap<ParameterBuffers, (BlockWeights | undefined)[]>();

  /** @param keepsActivations see there; what is trained in full is small as a rule */
  constructor(gpu: Gpu, spec: DecoderSpec, keepsActivations = true) {
    this.gpu = gpu;
    this.keepsActivations = keepsActivations;
    this.spec = spec;
    const layout = new ParameterLayout(gpu);
    const table = { rows: spec.vocabSize, cols: spec.hiddenSize };
    this.#embedding = new TrainedMatrix(table, layout);
    this.#blocks = Array.from({ length: spec.layers }, () => reserveBlock(spec, layout));
    this.#finalNorm = layout.reserve(spec.hiddenSize, false);
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

  headLora(): null {
    return null;
  }

  vocabulary(role: VocabularyRole, buffers: ParameterBuffers = this.params): Weight {
    return (role === 'embedding' ? this.#embedding : this.#head).weight(buffers);
  }

  finalNorm(buffers: ParameterBuffers = this.params): Tensor {
    return matrixAt(buffers, this.#finalNorm, [this.#finalNorm.size]);
  }

  block(layer: number, buffers: ParameterBuffers = this.params): BlockWeights {
    let known = this.#known.get(buffers);
    if (!known) this.#known.set(buffers, (known = []));
    return (known[layer] ??= blockAt(this.#blocks[layer]!, buffers));
  }

  /** Begins with the values of the decoder's model. Its weights must be on the GPU, all of them. */
  async copyModel(decoder: Decoder): Promise<void> {
    const { weights, commands } = decoder;
    assert(!weights.streams, 'all parameters of a model that comes block by block');
    await copyVocabulary(decoder, 'embedding', this.#embedding, this.params);
    if (this.#head !== this.#embedding) await copyVocabulary(decoder, 'head', this.#head, this.params);
    for (const [layer, places] of this.#blocks.entries()) {
      this.#copyBlock(commands, places, await weights.block(layer), layer);
      weights.release(layer);
      commands.maySubmit();
    }
    commands.copy(await weights.finalNorm(), this.finalNorm());
    commands.submit();
  }

  #copyBlock(commands: Commands, places: BlockPlaces, frozen: BlockWeights, layer: number): void {
    const own = this.block(layer);
    for (const name of ['inputNorm', 'postNorm', 'qNorm', 'kNorm'] as const) {
      const target = own[name];
      if (target) commands.copy(frozen[name]!, target);
    }
    for (const { group, matrices } of places.groups) {
      const { parts, bias } = frozen.groups[group.name];
      matrices.forEach((matrix, i) => {
        for (const { weight, start } of parts) {
          matrix.copyFrom(commands, weight, this.params, start - group.starts[i]!);
        }
      });
      const target = own.groups[group.name].bias;
      if (target) commands.copy(bias!, target);
    }
  }

  *#named(): Generator<TrainedTensor> {
    const { names, layers, tied } = this.spec;
    yield tensorOf(`${names.embedding}.weight`, this.#embedding);
    for (let layer = 0; layer < layers; layer++) yield* this.#namedOfBlock(layer);
    yield vectorOf(`${names.finalNorm}.weight`, this.#finalNorm);
    if (!tied) yield tensorOf(`${names.head}.weight`, this.#head);
  }

  *#namedOfBlock(layer: number): Generator<TrainedTensor> {
    const { names } = this.spec;
    const { groups, norms } = this.#blocks[layer]!;
    const paths = {
      inputNorm: names.inputNorm,
      postNorm: names.postNorm,
      qNorm: HEAD_NORMS.q,
      kNorm: HEAD_NORMS.k,
    };
    for (const { group, matrices, bias } of groups) {
      for (const [i, { path, outFeatures }] of group.linears.entries()) {
        const module = modulePath(this.spec, layer, path);
        yield tensorOf(`${module}.weight`, matrices[i]!);
        if (bias) yield vectorOf(`${module}.bias`, bias, group.starts[i], outFeatures);
      }
    }
    for (const [name, place] of Object.entries(norms) as [keyof typeof norms, Place | null][]) {
      if (place) yield vectorOf(`${modulePath(this.spec, layer, paths[name])}.weight`, place);
    }
  }

  dispose(): void {
    for (const tensor of this.params) this.gpu.memory.free(tensor);
  }
}

function reserveBlock(spec: DecoderSpec, layout: ParameterLayout): BlockPlaces {
  const { hiddenSize, headDim, qkNorm } = spec;
  const groups = Object.values(groupsOf(spec)).map((group) => {
    // One after the other, so that they are one matrix as the model's own are.
    const sizes = group.linears.map(({ outFeatures: rows, inFeatures: cols }) => ({ rows, cols }));
    const matrices = sizes.map((size) => new TrainedMatrix(size, layout));
    const biased = group.linears.filter(({ bias }) => bias).length;
    assert(biased === 0 || biased === group.linears.length, `only some layers of ${group.name} have a bias`);
    return { group, matrices, bias: biased > 0 ? layout.reserve(group.width, false) : null };
  });
  const norms = {
    inputNorm: layout.reserve(hiddenSize, false),
    postNorm: layout.reserve(hiddenSize, false),
    qNorm: qkNorm ? layout.reserve(headDim, false) : null,
    kNorm: qkNorm ? layout.reserve(headDim, false) : null,
  };
  return { groups, norms };
}

function blockAt({ groups, norms }: BlockPlaces, buffers: ParameterBuffers): BlockWeights {
  const vector = (place: Place) => matrixAt(buffers, place, [place.size]);
  const entries = groups.map((places) => [places.group.name, groupAt(places, buffers)] as const);
  return {
    inputNorm: vector(norms.inputNorm),
    postNorm: vector(norms.postNorm),
    qNorm: norms.qNorm && vector(norms.qNorm),
    kNorm: norms.kNorm && vector(norms.kNorm),
    groups: Object.fromEntries(entries) as Record<GroupName, GroupWeights>,
  };
}

function groupAt({ group, matrices, bias }: GroupPlaces, buffers: ParameterBuffers): GroupWeights {
  const { width: rows, inFeatures: cols, starts } = group;
  const whole = joinedPlace(matrices.flatMap(({ places }) => places));
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
function vectorOf(name: string, place: Place, first = 0, cols = place.size): TrainedTensor {
  return {
    name,
    rows: 1,
    cols,
    weight: (buffers) => {
      const whole = matrixAt(buffers, place, [place.size]);
      // Not bound by kernels, which could not begin anywhere, but read and written.
      const data: Tensor = { ...whole, offset: whole.offset + 4 * first, shape: [1, cols] };
      return { rows: 1, cols, chunks: [{ rowStart: 0, rows: 1, cols, encoding: { format: 'f32' }, data }] };
    },
  };
}
