import type { Commands } from '../gpu/commands.ts';
import { elementsOf, type Tensor } from '../gpu/tensor.ts';
import { assert } from '../lib/errors.ts';

/** Above this many elements one workgroup would take too long: a first stage shares the work. */
export const ONE_STAGE_SUM = 65_536;

/** Elements of the scratch of two-stage reductions. */
export const PARTIALS = 256;

const WG = 256;

/**
 * stats[index] (+)= Σ x, added in an order that depends on `count` alone.
 * @param x [count] f32
 * @param stats f32, another buffer
 * @param partials f32 scratch [PARTIALS], needed above ONE_STAGE_SUM elements
 */
export function sumInto(
  commands: Commands,
  options: { x: Tensor; count: number; stats: Tensor; index: number; accumulate: boolean; partials?: Tensor },
): void {
  const { stats, index, partials } = options;
  const accumulate = Number(options.accumulate);
  let { x, count } = options;
  if (count > ONE_STAGE_SUM) {
    assert(
      partials && elementsOf(partials) >= PARTIALS,
      `a sum of ${count} elements needs ${PARTIALS} partials`,
    );
    commands.run('sum_partials', { WG }, { x, partials }, { count }, [PARTIALS]);
    x = partials;
    count = PARTIALS;
  }
  commands.run('sum_into', { WG }, { x, stats }, { count, index, accumulate }, [1]);
}
