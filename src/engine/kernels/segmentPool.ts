import type { Tensor } from '../gpu/tensor.ts';

/** In place of the number of a state: the segment begins with none. */
export const NEW_STATE = 0xffffffff;

/**
 * Segments of tokens that go on from states in a pool. A state that several segments go on from is left by none, so
 * that their order does not matter.
 */
export interface PooledSegments {
  /** [S, 4] u32: first token, tokens, the state it goes on from or `NEW_STATE`, the state it leaves. */
  segments: Tensor;
  /** S */
  count: number;
  /** [T] u32: the segment of each token. */
  segmentOf: Tensor;
}
