import type { Commands } from '../gpu/commands.ts';
import type { ElementType, Tensor } from '../gpu/tensor.ts';
import type { TokenPlaces } from '../kernels/embedding.ts';
import type { DecoderSpec } from './spec.ts';
import type { Trainable } from './trainable.ts';
import type { Workspace } from './workspace.ts';

/** Dropout on the adapter's inputs. The seed is that of the micro-batch: every module derives its own. */
export interface Dropout {
  p: number;
  seed: number;
}

/** What every layer needs to know of the pass it is part of. */
export interface Pass {
  commands: Commands;
  workspace: Workspace;
  spec: DecoderSpec;
  /** Element type of activations inside a block; the residual stream and gradients are f32. */
  type: ElementType;
  /** Tokens of the micro-batch, T. */
  rows: number;
  /** [T] u32: position of each token in its segment. */
  positions: Tensor;
  /** [T] u32: first token of each token's segment, and the one after its last. */
  segmentStart: Tensor;
  segmentEnd: Tensor;
  /** Where each token stands, where the embedding is trained. */
  tokenPlaces: TokenPlaces | null;
  /** [headDim / 2] f32. */
  inverseFrequencies: Tensor;
  /** What was or is trained: an adapter, or the whole model. */
  adapter: Trainable | null;
  /** LoRA's output is multiplied by this; weights that were trained themselves are taken unless it is 0, the base model. */
  strength: number;
  dropout: Dropout | null;
  /**
   * Ends the names of a block's activations. Empty: all blocks have the same scratch, and the backward pass makes them
   * again; else they are the block's own, and stay until then.
   */
  kept: string;
}
