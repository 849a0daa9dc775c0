import type { Commands } from '../gpu/commands.ts';
import { elementsOf, type Tensor } from '../gpu/tensor.ts';
import { assert } from '../lib/errors.ts';
import { PARTIALS } from './sum.ts';

const WG = 256;

/**
 * stats[index] = sqrt(Σ grads²) over all of `grads`, added in an order that depends on their number alone.
 * Squares cannot overflow; a NaN or an infinity among the gradients makes the norm infinite.
 * @param grads f32, flat
 * @param partials f32 scratch [PARTIALS]
 * @param stats f32, another buffer
 */
export function gradNorm(
  commands: Commands,
  { grads, partials, stats, index }: { grads: Tensor; partials: Tensor; stats: Tensor; index: number },
): void {
  const count = elementsOf(grads);
  assert(elementsOf(partials) >= PARTIALS, `the gradient norm needs ${PARTIALS} partials`);
  const groups = Math.min(PARTIALS, Math.max(1, Math.ceil(count / WG)));
  commands.run('grad_norm_partials', { WG }, { grads, partials }, { count }, [groups]);
  commands.run('grad_norm', { WG }, { partials, stats }, { count: groups, index }, [1]);
}
