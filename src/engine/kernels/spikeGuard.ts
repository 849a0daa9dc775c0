import type { Commands } from '../gpu/commands.ts';
import type { Tensor } from '../gpu/tensor.ts';

/** Indices in stats that `spikeGuard` reads and writes. */
export interface SpikeGuardOffsets {
  lossIndex: number;
  normIndex: number;
  /** Receives the norm, or infinity if a limit is exceeded. */
  guardedIndex: number;
}

/**
 * stats[guardedIndex] = stats[normIndex], or infinity if the loss or the norm exceeds its limit, which makes AdamW skip
 * its step.
 * @param stats f32
 */
export function spikeGuard(
  commands: Commands,
  options: SpikeGuardOffsets & { stats: Tensor; lossLimit: number; normLimit: number },
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
