import type { Gpu } from '../../../gpu/device.ts';
import type { ElementType, Tensor } from '../../../gpu/tensor.ts';
import type { PooledSegments } from '../../../kernels/segmentPool.ts';
import type { DecoderSpec } from '../../spec/spec.ts';
import type { BlockWeights } from '../../weights/weights.ts';
import type { Pass } from '../pass.ts';

/** What a layer remembers when decoding: of one sequence, or of many that decode together. */
export type LayerState = SequenceState | PoolState;

/** What a layer remembers of the tokens so far, of which there are `length`. */
export interface SequenceState {
  tensors: LayerTensors;
  length: number;
}

/** What a layer remembers of many sequences, and which of it the tokens of a pass go on from. */
export interface PoolState {
  tensors: LayerTensors;
  rows: PooledRows;
}

export type LayerTensors = Readonly<Record<string, Tensor>>;

/** Where the tokens of a pass belong in the pools of all layers. */
export interface PooledRows extends PooledSegments {
  /** [T] u32: where each token's key and value are written. */
  keyRows: Tensor;
  /** [T, 4] u32: where the keys of each token's text are, as in `attentionCached`. */
  spans: Tensor;
}

/** How much pools hold: keys of all sequences, and states of a fixed size, one per sequence. */
export interface PoolSize {
  keys: number;
  states: number;
}

/** Of the decoder that remembers. */
export interface StateOwner {
  gpu: Gpu;
  spec: DecoderSpec;
  /** Element type of activations. */
  type: ElementType;
}

/** The block whose tokens are mixed. */
export interface MixedBlock {
  pass: Pass;
  layer: number;
  weights: BlockWeights;
}

/** The tensors between the two products of a mixer, in the type of the pass. */
export interface MixedTensors {
  /** [T, width of the first product] */
  projected: Tensor;
  /** [T, inputs of the last product] */
  mixed: Tensor;
}

/**
 * What mixes the tokens of a block, between two products: attention, or what a family has in its place. All keep
 * the segments of a micro-batch apart.
 */
export interface Mixer {
  /**
   * @param state when decoding: read, and the new tokens written at `length`, which the caller advances, or where its rows
   *   say
   */
  forward(block: MixedBlock, tensors: MixedTensors & { state: LayerState | null }): void;
  /**
   * The gradient of `forward`, whose activations are still there.
   * @param dMixed [T, …] f32, overwritten
   * @param own the gradients of the block's trained weights, accumulated into
   * @returns [T, …] f32, d loss/d projected
   */
  backward(block: MixedBlock, tensors: MixedTensors & { dMixed: Tensor; own: BlockWeights | null }): Tensor;
  /** @param capacity the most tokens that it is used for */
  createState(owner: StateOwner, capacity: number): SequenceState;
  /** The tensors of a `PoolState`. */
  createPool(owner: StateOwner, size: PoolSize): LayerTensors;
}
