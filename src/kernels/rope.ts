import type { Commands } from '../gpu/commands.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { assert } from '../lib/errors.ts';
import { flatGroups } from './grid.ts';

/** What `rope` works on. */
export interface Rope {
  /** [T, H, D] f32 or f16, rotated in place. */
  x: Tensor;
  /** [T] u32, the position of each token in its own sequence. */
  positions: Tensor;
  /** [D/2] f32, from `ropeFrequencies`. */
  inverseFrequencies: Tensor;
  /** T */
  rows: number;
  /** H */
  heads: number;
  /** D, even */
  headDim: number;
  /** Rotates by the negative angle: the backward pass, for the gradient of the rotated x. */
  inverse: boolean;
}

const WG = 64;

/**
 * Rotates each head of each token by its position, in place, with pairs (i, i + D/2) as transformers'
 * `apply_rotary_pos_emb` has them (Su et al., 2021). The rotation is orthogonal, so its backward is its inverse.
 */
export function rope(
  commands: Commands,
  { x, positions, inverseFrequencies, rows, heads, headDim, inverse }: Rope,
): void {
  assert(headDim % 2 === 0, `rope: a head of ${headDim} has no halves`);
  const half = headDim / 2;
  commands.run(
    'rope',
    { E: x.type, INVERSE: inverse, WG },
    { x, positions, inverse_frequencies: inverseFrequencies },
    { rows, heads, half },
    flatGroups(Math.ceil((rows * half) / WG)),
  );
}
