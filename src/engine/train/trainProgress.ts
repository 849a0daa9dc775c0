import { addToWindow, type SpikeWindow } from './spikeLimits.ts';

/** Where a run is, besides its numbers on the GPU. All of it is JSON. */
export interface TrainProgress {
  /** Optimizer steps done, which is also the position in the data: which rows a step takes follows from its number. */
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
  /** Evaluations since the last that was better by the recipe's min_delta. */
  stale: number;
  /** The loss that the next must be better than. */
  lowest: number | null;
}

/** What is noted of a finished step. */
export interface NotedStep {
  step: number;
  loss: number;
  gradNorm: number;
  /** The update changed nothing. */
  skipped: boolean;
  /** … because the spike guard left the step out, not because its gradient was not finite. */
  spike: boolean;
}

/** Notes a step that is done. */
export function noteStep(progress: TrainProgress, { step, loss, gradNorm, skipped, spike }: NotedStep): void {
  const broken = skipped && !spike;
  progress.step = step;
  // JSON has neither NaN nor infinity.
  progress.loss = Number.isFinite(loss) ? loss : null;
  progress.updates += skipped ? 0 : 1;
  progress.skippedInARow = broken ? progress.skippedInARow + 1 : 0;
  progress.skipped += broken ? 1 : 0;
  progress.spikes += spike ? 1 : 0;
  addToWindow(progress.window, loss, gradNorm);
}

/** The progress of a run before its first step. */
export function newProgress(): TrainProgress {
  return {
    step: 0,
    updates: 0,
    skippedInARow: 0,
    skipped: 0,
    spikes: 0,
    loss: null,
    window: { losses: [], norms: [] },
    best: null,
    stale: 0,
    lowest: null,
  };
}
