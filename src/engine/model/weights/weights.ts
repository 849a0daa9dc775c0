import type { Tensor } from '../../gpu/tensor.ts';
import type { Weight, WeightChunk } from '../../kernels/weight.ts';
import type { GroupName } from '../spec/fusedProjections.ts';
import type { MixerRole } from '../spec/mixers.ts';
import type { BlockNorm } from '../spec/spec.ts';
import type { VocabularyRole } from './vocabulary.ts';

/** Frozen fused projections: the matrices of their product, and one bias for all of them. */
export interface GroupWeights {
  /**
   * All as one matrix [width, in], or one per projection if they cannot be joined; `start` is the first output column.
   */
  parts: readonly { weight: Weight; start: number }[];
  /** [width] f32, zero for projections without one. */
  bias: Tensor | null;
}

/** What a block does not have. */
export const noWeights: GroupWeights = { parts: [], bias: null };

/** A chunk of what some experts of a layer compute with: rows of gate and up, or of down. */
export interface ExpertMatrix {
  chunk: WeightChunk;
  /** The experts that have rows in it: `count` from `first` on. */
  first: number;
  count: number;
  /** Its rows from one expert to the next. */
  stride: number;
  /** How many of them are used, and the column of their outputs in those of the expert. */
  rows: number;
  column: number;
}

/** The experts of a layer. */
export interface ExpertWeights {
  /** Of gate and up: [2 · width, d] an expert. */
  expertsIn: readonly ExpertMatrix[];
  /** Of down: [d, width] an expert. */
  expertsOut: readonly ExpertMatrix[];
}

/** The frozen weights of one block. Norm weights are f32; null where a family has no such norm, or no weight of it. */
export interface BlockWeights {
  norms: Readonly<Record<BlockNorm, Tensor | null>>;
  /** What its mixer has besides linear layers, f32. */
  mixer: Readonly<Partial<Record<MixerRole, Tensor>>>;
  groups: Readonly<Record<GroupName, GroupWeights>>;
  /** Null in a block without. */
  experts: ExpertWeights | null;
}

/** A matrix [vocab, hidden] in parts, row after row. */
export interface MatrixParts {
  /** 1 if all rows are loaded at once. */
  readonly count: number;
  /** Borrows a part until `release`; its chunks have the row numbers. */
  part(index: number): Promise<Weight>;
  /** Starts loading the parts that are needed next. */
  prefetch(indices: readonly number[]): void;
  /** Call once the commands that use the part are submitted: it may be unloaded. */
  release(index: number): void;
}

/** Embedding rows for some tokens. */
export interface EmbeddingRows {
  weight: Weight;
  /** The row of each token in `weight`: the tokens themselves if it is the whole embedding. */
  rows: Uint32Array;
}

/**
 * Provides the decoder's frozen weights. Blocks are borrowed and released, so that a source may hold them all in GPU
 * memory or load each when it is needed.
 */
export interface WeightSource {
  /**
   * Embedding rows for these tokens; valid until the next call, before which commands that use them must be submitted.
   */
  embedding(tokens: Uint32Array): Promise<EmbeddingRows>;
  /** The weight of the RMSNorm before the head; null if it has none. */
  finalNorm(): Promise<Tensor | null>;
  /** Embedding or output head [vocab, hidden]; the same if the two are tied. */
  vocabulary(role: VocabularyRole): Promise<MatrixParts>;
  block(layer: number): Promise<BlockWeights>;
  /** Starts loading the blocks that are needed next, while this one computes. */
  prefetch(layers: readonly number[]): void;
  /** Whether blocks are streamed: then all micro-batches of a step should pass through one before the next. */
  readonly streams: boolean;
  /** Call once the commands that use the block are submitted: it may be unloaded. */
  release(layer: number): void;
  /** Frees all weights. */
  dispose(): void;
}

/** A resident matrix as a single part. */
export function onePart(weight: Weight): MatrixParts {
  return { count: 1, part: async () => weight, prefetch: () => undefined, release: () => undefined };
}
