import type { Gpu } from '../gpu/device.ts';
import type { Tensor } from '../gpu/tensor.ts';
import type { Weight } from '../kernels/weight.ts';
import type { LoraGroup, LoraPair } from './loraAdapter.ts';
import type { ParameterBuffers, Segment } from './parameters.ts';
import type { SiblingGroup } from './siblings.ts';
import type { VocabularyRole } from './vocabulary.ts';
import type { BlockWeights } from './weights.ts';

/**
 * What a run trains: f32 parameters in few long buffers, and what a pass takes of them beside the model's own weights
 * (LoRA) or in their place. Optimizer and step know nothing else. Everything is asked for by the buffers it is to be
 * found in: the parameters, or gradients of the same layout.
 */
export interface Trainable {
  readonly gpu: Gpu;
  readonly params: ParameterBuffers;
  /** What each of the buffers holds. */
  readonly segments: readonly Segment[];
  /** Number of trained parameters. */
  readonly parameters: number;
  /** The lowest block that the backward pass has to reach; infinite where no block has. */
  readonly lowestLayer: number;
  /**
   * Whether the activations of all blocks of a micro-batch stay for its backward pass, rather than being made again there
   * from the block's input (gradient checkpointing): a quarter less to compute for a multiple of the memory.
   */
  readonly keepsActivations: boolean;
  /** Zeroed buffers of the parameters' layout, for gradients. */
  makeGradients(): ParameterBuffers;
  /** LoRA of sibling layers, or null. */
  group(layer: number, group: SiblingGroup, buffers?: ParameterBuffers): LoraGroup | null;
  /** LoRA on the output head, or null. */
  headLora(buffers?: ParameterBuffers): LoraPair | null;
  /** A block's matrices, biases and norms in place of the model's own, or null. */
  block(layer: number, buffers?: ParameterBuffers): BlockWeights | null;
  /** Embedding or head in place of the model's own, or null. */
  vocabulary(role: VocabularyRole, buffers?: ParameterBuffers): Weight | null;
  /** The weight of the norm before the head in place of the model's own, or null. */
  finalNorm(buffers?: ParameterBuffers): Tensor | null;
  dispose(): void;
}

/** What a pass uses of something trained: nothing of it at strength 0. */
export function inUse({
  adapter,
  strength,
}: {
  adapter: Trainable | null;
  strength: number;
}): Trainable | null {
  return strength === 0 ? null : adapter;
}
