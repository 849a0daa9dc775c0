import type { Tensor } from '../gpu/tensor.ts';
import type { Weight } from '../kernels/weight.ts';
import type { GroupName } from './siblings.ts';
import type { VocabularyRole } from './vocabulary.ts';

/** Frozen linear layers that read the same input: the matrices of their product, and one bias for all of them. */
export interface GroupWeights {
  /** All as one matrix [width, in], or one a layer where they cannot be; `start` is the first column of its output. */
  parts: readonly { weight: Weight; start: number }[];
  /** [width] f32, zero for a layer without one. */
  bias: Tensor | null;
}

/** The frozen weights of one block. Norm weights are f32. */
export interface BlockWeights {
  inputNorm: Tensor;
  postNorm: Tensor;
  /** Norms of the heads of q and k, where the family has them. */
  qNorm: Tensor | null;
  kNorm: Tensor | null;
  groups: Readonly<Record<GroupName, GroupWeights>>;
}

/** A matrix [vocab, hidden] whose rows come in parts, one after the other. */
export interface MatrixParts {
  /** 1 where all rows are there at once. */
  readonly count: number;
  /** A part, borrowed until `release`: its chunks say which rows they are. */
  part(index: number): Promise<Weight>;
  /** Says which parts come next. */
  prefetch(indices: readonly number[]): void;
  /** Says that the part's commands are submitted and it may go. */
  release(index: number): void;
}

/** Rows of the embedding for some tokens. */
export interface EmbeddingRows {
  weight: Weight;
  /** The row of each token in `weight`: the tokens themselves where it is the whole embedding. */
  rows: Uint32Array;
}

/**
 * Where the decoder gets its frozen weights. Blocks are borrowed and given back, so that a source may hold
 * them all in GPU memory or bring each in when it is its turn.
 */
export interface WeightSource {
  /** Rows for these tokens; they hold until the next call, before which commands that use them are submitted. */
  embedding(tokens: Uint32Array): Promise<EmbeddingRows>;
  /** RMSNorm before the head. */
  finalNorm(): Promise<Tensor>;
  /** Embedding or output head [vocab, hidden]; they are the same where the two are tied. */
  vocabulary(role: VocabularyRole): Promise<MatrixParts>;
  block(layer: number): Promise<BlockWeights>;
  /** Says which blocks come next, so that they can be on their way while this one computes. */
  prefetch(layers: readonly number[]): void;
  /** Whether blocks come and go: then all micro-batches of a step should pass one while it is there. */
  readonly streams: boolean;
  /** Says that the block's commands are submitted and its weights may go. */
  release(layer: number): void;
  /** Frees what is still held. */
  dispose(): void;
}

/** A matrix that is there whole, as the one part of itself. */
export function onePart(weight: Weight): MatrixParts {
  return { count: 1, part: async () => weight, prefetch: () => undefined, release: () => undefined };
}
