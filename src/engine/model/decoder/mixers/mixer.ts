import type { Gpu } from '../../../gpu/device.ts';
import type { ElementType, Tensor } from '../../../gpu/tensor.ts';
import type { DecoderSpec } from '../../spec/spec.ts';
import type { BlockWeights } from '../../weights/weights.ts';
import type { Pass } from '../pass.ts';

/** What a layer remembers of the tokens so far when decoding, of which there are `length`. */
export interface LayerState {
  tensors: Readonly<Record<string, Tensor>>;
  length: number;
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
  /** @param state when decoding: read, and the new tokens written at `length`, which the caller advances */
  forward(block: MixedBlock, tensors: MixedTensors & { state: LayerState | null }): void;
  /**
   * The gradient of `forward`, whose activations are still there.
   * @param dMixed [T, …] f32, overwritten
   * @param own the gradients of the block's trained weights, accumulated into
   * @returns [T, …] f32, d loss/d projected
   */
  backward(block: MixedBlock, tensors: MixedTensors & { dMixed: Tensor; own: BlockWeights | null }): Tensor;
  /** @param capacity the most tokens that it is used for */
  createState(owner: StateOwner, capacity: number): LayerState;
}
