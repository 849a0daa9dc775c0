import type { NameRule } from '../../../content/formats/checkpoint.ts';
import type { GluForm } from '../../kernels/glu.ts';
import type { LogitForm } from '../../kernels/logits.ts';
import type { RopeFrequencies } from '../../kernels/ropeFrequencies.ts';
import { mixerTensors, type HeadNormSpec, type MixerKind, type MixerSpec } from './mixers.ts';
import type { ExpertRows, ExpertsSpec, FeedForward } from './experts.ts';

/** How q and k turn by their position, the same in all layers that turn; by default as in Llama. */
export interface RotationSpec {
  /** Pairs are neighbours (2i, 2i + 1) rather than (i, i + pairs). */
  interleaved: boolean;
  /** Turns the other way. */
  reversed: boolean;
  /** Multiplies q by 1 + beta · log(1 + floor(position / context)); null does not. */
  queryScale: { beta: number; context: number } | null;
}

/** The projections that linear layers of a block compute. */
export type Projection =
  | 'q'
  | 'k'
  | 'v'
  /** Of a short convolution: what multiplies its input, its output, and the input. */
  | 'inputGate'
  | 'outputGate'
  | 'input'
  /** Of a gated delta rule: what its output is multiplied by, how much a token writes, and how fast it forgets. */
  | 'z'
  | 'beta'
  | 'decay'
  /** The mixer's last. */
  | 'o'
  | 'gate'
  | 'up'
  | 'down'
  | 'router'
  | 'expertGate'
  | 'expertUp'
  | 'expertDown';

/** A linear layer of a block: its path within the block, size and bias. */
export interface LinearSpec {
  /** Last part of the path, the target name in recipes. */
  name: string;
  path: string;
  inFeatures: number;
  outFeatures: number;
  bias: boolean;
  /** The mixer whose blocks have it; null for all blocks. */
  mixer: MixerKind | null;
  /** The projections it computes, in column order: a fused layer computes several. */
  outputs: readonly { projection: Projection; width: number }[];
  /** How many experts have such a layer each; absent for one layer. */
  experts?: number;
}

/** The norms of a block's residual stream, in the order of the forward pass: before and after mixer and MLP. */
export const BLOCK_NORMS = ['beforeAttention', 'afterAttention', 'beforeMlp', 'afterMlp'] as const;
export type BlockNorm = (typeof BLOCK_NORMS)[number];

/** The module names of a family's checkpoints. */
export interface ModuleNames {
  embedding: string;
  finalNorm: string;
  head: string;
  /** Prefix before a block's index. */
  blocks: string;
  /** Paths within a block; null for a norm that the family does not have. */
  norms: Readonly<Record<BlockNorm, string | null>>;
  /** Paths within a block, for families that have these norms. */
  headNorms: { q: string; k: string };
}

/** What a decoder is part of: a model that looks at images. */
export interface LargerModel {
  /** Modules beside the decoder, which are neither run nor trained. */
  others: readonly string[];
}

/** Everything that distinguishes one decoder from another. Each supported family produces a value of this type. */
export interface DecoderSpec {
  family: string;
  hiddenSize: number;
  layers: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  /** Intermediate size of the MLP. */
  ffnSize: number;
  vocabSize: number;
  maxPositions: number;

  /** What mixes the tokens of a layer: one of `mixers`, of which each is there once. */
  mixerOf(layer: number): MixerSpec;
  mixers: readonly [MixerSpec, ...MixerSpec[]];

  /** Of every norm: added to the mean square. */
  normEps: number;
  /** Of every norm: added to its weight, which is stored near 0 where this is 1. */
  normOffset: 0 | 1;
  /** Whether norms have weights. */
  normWeights: boolean;
  /** Norm on q and k; null for none. */
  headNorm: HeadNormSpec | null;
  /** A norm without weights between embedding and first block. */
  embeddingNorm: boolean;

  /** Rotary embedding of a layer, the same object for layers that share one; null turns nothing. */
  ropeOf(layer: number): RopeFrequencies | null;
  rotation: RotationSpec;
  /** Sliding attention window of a layer in tokens; 0 for full causal attention. */
  windowOf(layer: number): number;
  /** Multiplies q·k. */
  attentionScale: number;
  /** Limits scores softly: cap · tanh(score / cap); 0 does not. */
  attentionCap: number;

  /** What the MLP does between its matrices. */
  glu: GluForm;
  /** Multiplies embeddings. */
  embeddingMultiplier: number;
  /** Whether that factor is first rounded to the dtype of the embedding in its file. */
  roundsEmbeddingMultiplier: boolean;
  /** Multiplies what attention and MLP add to the residual stream. */
  residualMultiplier: number;
  /** What the head's products become. */
  logits: LogitForm;

  /** Whether the output head is the embedding matrix. */
  tied: boolean;
  names: ModuleNames;
  /** Where files name tensors otherwise than modules are called. */
  nameRules: readonly NameRule[];
  /** The model that the decoder is the text part of; null if it is all of it. */
  inside: LargerModel | null;
  /** Modules that files may hold beside it and that transformers does not load: neither run nor trained either. */
  ignored: readonly string[];
  /** The linear layers of all kinds of blocks, each in the order of the forward pass: `linearsOf` says which has which. */
  linears: readonly LinearSpec[];
  /** The experts of the layers that have them; null if none has. */
  experts: ExpertsSpec | null;
  feedForwardOf(layer: number): FeedForward;
}

/** The projections that a block does not have, by what follows its mixer. */
const WITHOUT: Readonly<Record<FeedForward, readonly Projection[]>> = {
  dense: ['router', 'expertGate', 'expertUp', 'expertDown'],
  experts: ['gate', 'up', 'down'],
  both: [],
};

/** Whether a tensor is of a part that is neither run nor trained. */
export function isBeside(
  { inside, ignored }: Pick<DecoderSpec, 'inside' | 'ignored'>,
  tensor: string,
): boolean {
  return isOf(inside?.others ?? [], tensor) || isOf(ignored, tensor);
}

/** Whether a tensor is of one of some modules. */
export function isOf(modules: readonly string[], tensor: string): boolean {
  return modules.some((module) => tensor.startsWith(`${module}.`));
}

/** The linear layers of a block, those of experts included. */
export function linearsOf(spec: DecoderSpec, layer: number): LinearSpec[] {
  const without = WITHOUT[spec.feedForwardOf(layer)];
  const { kind } = spec.mixerOf(layer);
  return spec.linears.filter(
    ({ outputs, mixer }) => (mixer === null || mixer === kind) && !without.includes(outputs[0]!.projection),
  );
}

/** Full name of a module of a block, as in checkpoints and PEFT. */
export function modulePath(spec: DecoderSpec, layer: number, path: string): string {
  return `${spec.names.blocks}.${layer}.${path}`;
}

/** A vector of a block: its tensor's path within the block. */
export interface VectorSpec {
  path: string;
  length: number;
}

/** The norm weights of a block's residual stream: the one place that says their names; null for those it has not. */
export function normTable({
  names,
  hiddenSize: length,
  normWeights,
}: DecoderSpec): Readonly<Record<BlockNorm, VectorSpec | null>> {
  const vector = (path: string | null) =>
    path !== null && normWeights ? { path: `${path}.weight`, length } : null;
  const block = BLOCK_NORMS.map((norm) => [norm, vector(names.norms[norm])]);
  return Object.fromEntries(block) as Record<BlockNorm, VectorSpec | null>;
}

/** A matrix of the model [rows, cols], and whether QLoRA has it in 4 bits: it is a linear layer of a block. */
export interface MatrixSpec {
  module: string;
  rows: number;
  cols: number;
  linear: boolean;
  /** Of an expert; absent for others. */
  expert?: ExpertRows;
}

/** The matrix of a linear layer of a block. A router stays as it is stored: transformers' is no linear layer. */
export function matrixOf(spec: DecoderSpec, layer: number, linear: LinearSpec): MatrixSpec {
  const { path, outFeatures: rows, inFeatures: cols } = linear;
  const isRouter = linear.outputs[0]!.projection === 'router';
  return { module: modulePath(spec, layer, path), rows, cols, linear: !isRouter };
}

/** All matrices that a checkpoint of this spec must hold; lazily, since a config may claim 10^9 layers. */
export function* matricesOf(spec: DecoderSpec): Generator<MatrixSpec> {
  const { names, vocabSize: rows, hiddenSize: cols } = spec;
  yield { module: names.embedding, rows, cols, linear: false };
  for (let layer = 0; layer < spec.layers; layer++) {
    for (const linear of linearsOf(spec, layer)) {
      if (!linear.experts) yield matrixOf(spec, layer, linear);
    }
    yield* expertMatrices(spec, layer, 'expertsIn');
    yield* expertMatrices(spec, layer, 'expertsOut');
  }
  if (!spec.tied) yield { module: names.head, rows, cols, linear: false };
}

/** The matrices that hold gate and up, or down, of the experts of a layer: expert after expert. */
export function expertMatrices(spec: DecoderSpec, layer: number, of: ExpertRows['of']): MatrixSpec[] {
  const { hiddenSize: d, experts } = spec;
  if (!experts || spec.feedForwardOf(layer) === 'dense') return [];
  const { width: f, stacked, module } = experts;
  const path = (name: string) => modulePath(spec, layer, name);
  return Array.from({ length: experts.experts }, (_, expert): MatrixSpec[] => {
    const matrix = (name: string, rows: number, cols: number, row = 0): MatrixSpec => {
      return { module: path(name), rows, cols, linear: true, expert: { layer, expert, of, row } };
    };
    if (stacked) {
      if (of === 'expertsOut') return [matrix(`${stacked.out}.${expert}`, d, f)];
      return [matrix(`${stacked.in}.${expert}`, 2 * f, d)];
    }
    const own = `${module}.${expert}`;
    if (of === 'expertsOut') return [matrix(`${own}.down_proj`, d, f)];
    return [matrix(`${own}.gate_proj`, f, d), matrix(`${own}.up_proj`, f, d, f)];
  }).flat();
}

/** The output head as a linear layer, for LoRA on it; it belongs to no block, so it computes no projection. */
export function headLinear({ names, hiddenSize, vocabSize }: DecoderSpec): LinearSpec {
  const path = names.head;
  const name = path.slice(path.lastIndexOf('.') + 1);
  return {
    name,
    path,
    inFeatures: hiddenSize,
    outFeatures: vocabSize,
    bias: false,
    mixer: null,
    outputs: [],
  };
}

/** All tensors of an unquantized checkpoint, as files name and stack them: the matrices, then the small ones. */
export function* tensorsOf(spec: DecoderSpec): Generator<{ name: string; shape: number[] }> {
  const inFile = (name: string) => {
    for (const { stored } of spec.nameRules) name = stored(name) ?? name;
    return name;
  };
  const stacked = spec.experts?.stacked;
  for (const { module, rows, cols, expert } of matricesOf(spec)) {
    if (!expert || !stacked) yield { name: inFile(`${module}.weight`), shape: [rows, cols] };
    else if (expert.expert === 0) {
      const path = modulePath(spec, expert.layer, expert.of === 'expertsIn' ? stacked.in : stacked.out);
      yield { name: inFile(`${path}.weight`), shape: [spec.experts!.experts, rows, cols] };
    }
  }
  for (const { name, shape } of smallTensorsOf(spec)) yield { name: inFile(name), shape: [...shape] };
}

/** All other tensors that a checkpoint of this spec must hold: norm weights, biases, and what else mixers have. */
export function* smallTensorsOf(spec: DecoderSpec): Generator<{ name: string; shape: readonly number[] }> {
  const { names, hiddenSize } = spec;
  const norms = Object.values(normTable(spec)).filter((vector) => vector !== null);
  const ofNorms = norms.map(({ path, length }) => ({ path, shape: [length] }));
  for (let layer = 0; layer < spec.layers; layer++) {
    const biases = linearsOf(spec, layer).flatMap(({ path, outFeatures, bias }) =>
      bias ? [{ path: `${path}.bias`, shape: [outFeatures] }] : [],
    );
    for (const { path, shape } of [...ofNorms, ...biases, ...mixerTensors(spec, spec.mixerOf(layer))])
      yield { name: modulePath(spec, layer, path), shape };
  }
  if (spec.normWeights) yield { name: `${names.finalNorm}.weight`, shape: [hiddenSize] };
}
