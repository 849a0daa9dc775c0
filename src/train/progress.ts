import type { SpikeWindow } from './spikeGuard.ts';

/** Where a run is, besides its numbers on the GPU. All of it is JSON. */
export interface RunProgress {
  /** Optimizer steps done, which is also the place in the data: which rows a step takes follows from its number. */
  step: number;
  /** Steps that changed the parameters. */
  updates: number;
  /** Steps up to this one whose gradient was not finite. */
  skippedInARow: number;
  /** Steps whose gradient was not finite, and steps that the spike guard left out. */
  skipped: number;
  spikes: number;
  /** The last step's. */
  loss: number | null;
  window: SpikeWindow;
  /** The lowest loss on rows set aside; null before the first evaluation. */
  best: { step: number; loss: number } | null;
  /** Evaluations since one that was better by the recipe's min_delta. */
  stale: number;
  /** What the next must be better than. */
  lowest: number | null;
}

/** That of a run before its first step. */
export function newProgress(): RunProgress {
  return {
    ...{ step: 0, updates: 0, skippedInARow: 0, skipped: 0, spikes: 0, loss: null },
    window: { losses: [], norms: [] },
    ...{ best: null, stale: 0, lowest: null },
  };
}
