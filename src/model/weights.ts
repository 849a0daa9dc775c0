import type { Tensor } from '../gpu/tensor.ts';
import type { Weight } from '../kernels/weight.ts';

/** A frozen linear layer: weight [out, in], bias [out] f32. */
export interface LinearWeights {
  weight: Weight;
  bias: Tensor | null;
}

/** The frozen weights of one block. Norm weights are f32. */
export interface BlockWeights {
  inputNorm: Tensor;
  postNorm: Tensor;
  /** Norms of the heads of q and k, where the family has them. */
  qNorm: Tensor | null;
  kNorm: Tensor | null;
  /** By path under the block. */
  linears: ReadonlyMap<string, LinearWeights>;
}

/**
 * Where the decoder gets its frozen weights. Blocks are borrowed and given back, so that a source may hold
 * them all in GPU memory or bring each in when it is its turn.
 */
export interface WeightSource {
  embedding(): Promise<Weight>;
  /** RMSNorm before the head. */
  finalNorm(): Promise<Tensor>;
  /** The output head [vocab, hidden]; the embedding itself where the two are tied. */
  head(): Promise<Weight>;
  block(layer: number): Promise<BlockWeights>;
  /** Says which block comes next, so that it can be on its way while this one computes. */
  prefetch(layer: number): void;
  /** Whether blocks come and go: then all micro-batches of a step should pass one while it is there. */
  readonly streams: boolean;
  /** Says that the block's commands are submitted and its weights may go. */
  release(layer: number): void;
  /** Frees what is still held. */
  dispose(): void;
}
