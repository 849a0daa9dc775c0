import type { Commands } from '../gpu/commands.ts';
import { elementsOf, type Tensor } from '../gpu/tensor.ts';
import { assert } from '../../base/lib/errors.ts';
import { reductionOf } from './reduction.ts';

/** Above this many elements, one workgroup would take too long: a first stage computes partial sums. */
export const ONE_STAGE_SUM = 65_536;

/** Scratch elements of a two-stage reduction. */
export const PARTIALS = 256;

const WG = 256;

/**
 * stats[index] (+)= Σ x, in an order of additions that depends only on `count` and the adapter.
 * @param x [count] f32
 * @param stats f32, another buffer
 * @param partials f32 scratch [PARTIALS], required above ONE_STAGE_SUM elements
 */
export function sumInto(
  commands: Commands,
  options: { x: Tensor; count: number; stats: Tensor; index: number; accumulate: boolean; partials?: Tensor },
): void {
  const { stats, index, partials } = options;
  const accumulate = Number(options.accumulate);
  const reduction = reductionOf(commands.gpu, WG);
  let { x, count } = options;
  if (count > ONE_STAGE_SUM) {
    assert(
      partials && elementsOf(partials) >= PARTIALS,
      `a sum of ${count} elements needs ${PARTIALS} partials`,
    );
    commands.run('sum_partials', reduction, { x, partials }, { count }, [PARTIALS]);
    x = partials;
    count = PARTIALS;
  }
  commands.run('sum_into', reduction, { x, stats }, { count, index, accumulate }, [1]);
}
