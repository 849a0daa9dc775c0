import type { Commands } from '../../gpu/commands.ts';
import type { ElementType, Tensor } from '../../gpu/tensor.ts';
import type { TokenPositions } from '../../kernels/embedding.ts';
import type { Rotation } from '../../kernels/rope.ts';
import type { DecoderSpec } from '../spec/spec.ts';
import type { Trainable } from '../trained/trainable.ts';
import type { Workspace } from './workspace.ts';
import type { FusedGroup } from '../spec/fusedProjections.ts';

/** Dropout on the adapter's inputs. The seed is the micro-batch's: each module derives its own from it. */
export interface Dropout {
  p: number;
  seed: number;
}

/** Noise on the embeddings in training (NEFTune, Jain et al., 2023), from the micro-batch's seed. */
export interface EmbeddingNoise {
  /** Uniform noise of at most alpha / √(tokens of the row · hidden size). */
  alpha: number;
  seed: number;
}

/** The context of a forward or backward pass, shared by all layers. */
export interface Pass {
  commands: Commands;
  workspace: Workspace;
  spec: DecoderSpec;
  /** Element type of activations within a block; the residual stream and gradients are f32. */
  type: ElementType;
  /** T, the number of tokens in the micro-batch. */
  rows: number;
  /** [T] u32 */
  tokens: Tensor;
  /** [T] u32: position of each token in its segment. */
  positions: Tensor;
  /** [T] u32: first token of each token's segment, and one past its last. */
  segmentStart: Tensor;
  segmentEnd: Tensor;
  /** The positions of each distinct token; null if the embedding is not trained. */
  tokenPositions: TokenPositions | null;
  /** How the heads of a layer turn; null if they do not. */
  rotationOf(layer: number): Rotation | null;
  /** What was or is being trained: an adapter, or the whole model. */
  adapter: Trainable | null;
  /** Multiplies LoRA's output. Fully trained weights replace the base's unless it is 0. */
  strength: number;
  dropout: Dropout | null;
  /** Null, or absent, outside of training. */
  noise?: EmbeddingNoise | null;
  /**
   * Suffix of the names of a block's activations. Empty with gradient checkpointing: all blocks share scratch memory,
   * and the backward pass recomputes it. Else unique to the block: its activations stay until the backward pass.
   */
  activationSuffix: string;
}

/** Which linear layers of which block. */
export interface LayerRef {
  layer: number;
  group: FusedGroup;
}

/** Some of the supervised rows of a micro-batch. */
export interface RowChunk {
  start: number;
  rows: number;
}
