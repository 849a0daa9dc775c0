import type { Commands } from '../gpu/commands.ts';
import type { Tensor } from '../gpu/tensor.ts';

/** Where `spikeGuard` reads and writes in stats. */
export interface SpikeGuardPlaces {
  lossIndex: number;
  normIndex: number;
  /** Receives the norm, or infinity where a limit is exceeded. */
  guardedIndex: number;
}

/**
 * stats[guardedIndex] = stats[normIndex], or infinity, which has AdamW skip its step, where the loss or the norm is
 * above its limit.
 * @param stats f32
 */
export function spikeGuard(
  commands: Commands,
  options: SpikeGuardPlaces & { stats: Tensor; lossLimit: number; normLimit: number },
): void {
  const { stats, lossIndex, normIndex, guardedIndex, lossLimit, normLimit } = options;
  const params = {
    loss_index: lossIndex,
    norm_index: normIndex,
    guarded_index: guardedIndex,
    loss_limit: lossLimit,
    norm_limit: normLimit,
  };
  commands.run('spike_guard', {}, { stats }, params, [1]);
}
