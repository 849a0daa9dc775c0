import type { Commands } from '../gpu/commands.ts';
import { elementsOf, type Tensor } from '../gpu/tensor.ts';
import { adamWParams, type AdamWOptions } from './adamW.ts';
import { flatGroups } from './grid.ts';
import { reductionOf } from './reduction.ts';

/** Elements that share a scale in 8-bit optimizer states, as in bitsandbytes; each matrix starts a new block. */
export const STATE_BLOCK = 256;

/** Threads per workgroup; each handles the four elements of one word of codes. */
const WG = STATE_BLOCK / 4;

/** m and v in 8 bits for some blocks of STATE_BLOCK elements of a flat buffer; all zeros before the first step. */
export interface AdamW8bitStates {
  /** u32 [blocks, 2, 64]: codes of m, then of v, four per word, the first in the lowest byte. */
  codes: Tensor;
  /** f32 [blocks, 2]: the absmax of m and of v. */
  absmax: Tensor;
  /** u32 [blocks]: index of each block in the flat buffer. */
  blocks: Tensor;
  /**
   * f32 [512]: the signed dynamic map, then the unsigned one. A buffer rather than a shader constant: each workgroup
   * copies it to workgroup memory once, whereas drivers would give each invocation its own copy of a dynamically
   * indexed constant array.
   */
  maps: Tensor;
}

/**
 * One AdamW step like `adamW`, with block-wise 8-bit m and v (Dettmers et al., 2022): they are dequantized, updated,
 * applied in f32, and quantized to the nearest codes under the block's new absmax. Padding after a matrix counts as
 * part of its last block, and must be zero in params and grads.
 */
export function adamW8bit(commands: Commands, options: AdamWOptions & AdamW8bitStates): void {
  const { params: weights, grads, codes, absmax, stats, blocks, maps } = options;
  const count = elementsOf(blocks);
  const tensors = { grads, weights, codes, absmax, stats, blocks, maps };
  commands.run(
    'adam_w_8bit',
    reductionOf(commands.gpu, WG),
    tensors,
    adamWParams(count, options),
    flatGroups(count),
  );
}
