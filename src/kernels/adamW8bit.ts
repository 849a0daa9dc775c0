import type { Commands } from '../gpu/commands.ts';
import { elementsOf, type Tensor } from '../gpu/tensor.ts';
import { adamWParams, type AdamWOptions } from './adamW.ts';
import { flatGroups } from './grid.ts';

/** Elements that share a scale in 8-bit optimizer states, as in bitsandbytes; a matrix begins a block. */
export const STATE_BLOCK = 256;

/** Threads of a workgroup; each handles the four elements of a word of codes. */
const WG = STATE_BLOCK / 4;

/** m and v in 8 bits, of some blocks of STATE_BLOCK elements of a flat buffer; all zeros before the first step. */
export interface AdamW8bitStates {
  /** u32 [blocks, 2, 64]: codes of m, then of v, four to a word, the first in the lowest byte. */
  codes: Tensor;
  /** f32 [blocks, 2]: the largest magnitude of m, and of v. */
  absmax: Tensor;
  /** u32 [blocks]: which block of the flat buffer each is. */
  blocks: Tensor;
  /**
   * f32 [512]: the signed dynamic map, then the unsigned. A buffer rather than a constant of the shader: each
   * workgroup copies it into its own memory once, where drivers would give each invocation a copy of a constant array
   * that is indexed by data.
   */
  maps: Tensor;
}

/**
 * One AdamW step as `adamW` makes it, with block-wise 8-bit m and v (Dettmers et al., 2022): they are expanded, updated,
 * used for the step in f32, and rounded to the nearest codes under the block's new scale. Elements of the flat buffer
 * behind a matrix's end count as its last block's and must be zero in params and grads.
 */
export function adamW8bit(commands: Commands, options: AdamWOptions & AdamW8bitStates): void {
  const { params: weights, grads, codes, absmax, stats, blocks, maps } = options;
  const count = elementsOf(blocks);
  const tensors = { grads, weights, codes, absmax, stats, blocks, maps };
  commands.run('adam_w_8bit', { WG }, tensors, adamWParams(count, options), flatGroups(count));
}
