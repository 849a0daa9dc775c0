import type { Commands } from '../gpu/commands.ts';
import { elementsOf, slice, type Tensor } from '../gpu/tensor.ts';
import { assert } from '../../base/lib/errors.ts';
import { reductionOf } from './reduction.ts';
import { PARTIALS } from './sum.ts';

const WG = 256;

/**
 * stats[index] = sqrt(Σ grads²) over all of `grads`, in an order of additions that depends only on their sizes and the
 * adapter. Squares cannot overflow; a NaN or infinite gradient makes the norm infinite.
 * @param grads f32, flat buffers
 * @param partials f32 scratch [PARTIALS] for each of them
 * @param stats f32, another buffer
 */
export function gradNorm(
  commands: Commands,
  {
    grads,
    partials,
    stats,
    index,
  }: { grads: readonly Tensor[]; partials: Tensor; stats: Tensor; index: number },
): void {
  const wanted = grads.length * PARTIALS;
  assert(elementsOf(partials) >= wanted, `the gradient norm needs ${wanted} partials`);
  const reduction = reductionOf(commands.gpu, WG);
  let filled = 0;
  for (const [i, buffer] of grads.entries()) {
    const count = elementsOf(buffer);
    const groups = Math.min(PARTIALS, Math.max(1, Math.ceil(count / WG)));
    const own = slice(partials, i * PARTIALS, [PARTIALS]);
    // Clears the partials that a short buffer does not write.
    if (groups < PARTIALS && i < grads.length - 1) commands.clear(own);
    commands.run('grad_norm_partials', reduction, { grads: buffer, partials: own }, { count }, [groups]);
    filled = i * PARTIALS + groups;
  }
  commands.run('grad_norm', reduction, { partials, stats }, { count: filled, index }, [1]);
}
