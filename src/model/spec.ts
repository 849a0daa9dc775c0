import type { RopeScaling } from '../kernels/ropeFrequencies.ts';

/** Rotary embedding: its base, and how the context was stretched. */
export interface RopeSpec {
  theta: number;
  scaling: RopeScaling;
}

/** What a linear layer of a block computes. */
export type Projection = 'q' | 'k' | 'v' | 'o' | 'gate' | 'up' | 'down';

/** A linear layer of a block: its place under the block, its size and whether it has a bias. */
export interface LinearSpec {
  /** Last part of the path, which recipes call targets by. */
  name: string;
  path: string;
  inFeatures: number;
  outFeatures: number;
  bias: boolean;
  /** What its output is, one after the other along the columns: a fused layer makes several. */
  outputs: readonly { projection: Projection; width: number }[];
}

/** What a checkpoint calls the modules of a family. */
export interface ModuleNames {
  embedding: string;
  finalNorm: string;
  head: string;
  /** Before the number of a block. */
  blocks: string;
  inputNorm: string;
  postNorm: string;
}

/** All that tells one decoder from another. Every supported family is a value of this type. */
export interface DecoderSpec {
  family: string;
  hiddenSize: number;
  layers: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  /** Width of the feed-forward part. */
  ffnSize: number;
  vocabSize: number;
  maxPositions: number;
  normEps: number;
  rope: RopeSpec;
  /** RMSNorm on each head of q and k before RoPE (Qwen3). */
  qkNorm: boolean;
  /** The output head is the embedding matrix. */
  tied: boolean;
  /** Sliding attention window of a layer in tokens; 0 is full causal attention. */
  windowOf(layer: number): number;
  names: ModuleNames;
  /** The linear layers of a block, in the order of the forward pass. */
  linears: readonly LinearSpec[];
}

/** Full name of a module of a block, as checkpoints and PEFT write it. */
export function modulePath(spec: DecoderSpec, layer: number, path: string): string {
  return `${spec.names.blocks}.${layer}.${path}`;
}

/** Modules of the heads' norms under a block, where the family has them. */
export const HEAD_NORMS = { q: 'self_attn.q_norm', k: 'self_attn.k_norm' } as const;

/** A matrix of the model: [rows, cols], and whether it is a linear layer of a block. */
export interface MatrixSpec {
  module: string;
  rows: number;
  cols: number;
  linear: boolean;
}

/** Every matrix a checkpoint of this spec must hold: one by one, for a config may claim 10^9 layers. */
export function* matricesOf(spec: DecoderSpec): Generator<MatrixSpec> {
  const { names, vocabSize: rows, hiddenSize: cols } = spec;
  yield { module: names.embedding, rows, cols, linear: false };
  for (let layer = 0; layer < spec.layers; layer++) {
    for (const { path, inFeatures, outFeatures } of spec.linears) {
      yield { module: modulePath(spec, layer, path), rows: outFeatures, cols: inFeatures, linear: true };
    }
  }
  if (!spec.tied) yield { module: names.head, rows, cols, linear: false };
}

/** The output head as a linear layer, for LoRA on it; it belongs to no block, so it makes no projection. */
export function headLinear({ names, hiddenSize, vocabSize }: DecoderSpec): LinearSpec {
  const path = names.head;
  const name = path.slice(path.lastIndexOf('.') + 1);
  return { name, path, inFeatures: hiddenSize, outFeatures: vocabSize, bias: false, outputs: [] };
}

/** Every tensor of a checkpoint in floats: the matrices, then the vectors. */
export function* tensorsOf(spec: DecoderSpec): Generator<{ name: string; shape: number[] }> {
  for (const { module, rows, cols } of matricesOf(spec))
    yield { name: `${module}.weight`, shape: [rows, cols] };
  for (const { name, length } of vectorsOf(spec)) yield { name, shape: [length] };
}

/** Every vector a checkpoint of this spec must hold: weights of norms, and biases. */
export function* vectorsOf(spec: DecoderSpec): Generator<{ name: string; length: number }> {
  const { names, hiddenSize, headDim } = spec;
  for (let layer = 0; layer < spec.layers; layer++) {
    const vector = (path: string, length: number) => ({ name: modulePath(spec, layer, path), length });
    yield vector(`${names.inputNorm}.weight`, hiddenSize);
    for (const { path, outFeatures, bias } of spec.linears) {
      if (bias) yield vector(`${path}.bias`, outFeatures);
    }
    if (spec.qkNorm) {
      for (const norm of Object.values(HEAD_NORMS)) yield vector(`${norm}.weight`, headDim);
    }
    yield vector(`${names.postNorm}.weight`, hiddenSize);
  }
  yield { name: `${names.finalNorm}.weight`, length: hiddenSize };
}
