import type { Recipe } from '../../base/config/recipe.ts';
import type { RunStore } from '../../content/runs/runStore.ts';
import type { StoredRun } from '../../content/runs/storedRun.ts';
import type { Sweep } from '../../content/runs/sweep.ts';
import type { SweepStore } from '../../content/runs/sweepStore.ts';
import type { TrainEvent } from '../events.ts';
import type { OpenModel } from '../openModel.ts';
import type { RunStorage, TrainJob, TrainOptions, TrainOutcome } from '../trainJob.ts';

/** Recipes to compare, on the same rows. */
export interface SweepJob extends Omit<
  TrainJob,
  'recipe' | 'initial' | 'kernels' | 'activations' | 'elsewhere'
> {
  recipes: readonly Recipe[];
  /** At each rung the best 1 of so many runs go on, by default 2; 1 trains all to their end. */
  eta?: number;
  /** How many rungs there are; by default as many as leave one run, at most three. */
  rungs?: number;
}

/** Where a sweep and its runs are stored. */
export interface SweepStorage {
  sweeps: SweepStore;
  runs: RunStore;
  /** Any JSON object the host needs with each run. */
  runExtra?: Readonly<Record<string, unknown>>;
  /** Any JSON the host needs with the sweep. */
  extra?: unknown;
}

/** How a sweep is watched and controlled. */
export interface SweepOptions extends Omit<TrainOptions, 'onEvent'> {
  /** What the run in progress reports. */
  onEvent?(event: TrainEvent, index: number): void;
  /** After every change of the sweep, and when a run begins or goes on. */
  onSweep?(sweep: Sweep, training: number | null): void;
}

/** What of a session trains a sweep's runs. */
export interface SweepSession {
  readonly model: OpenModel;
  train(job: TrainJob, storage: RunStorage, options: TrainOptions): Promise<TrainOutcome>;
  resume(
    runs: RunStore,
    id: string,
    options: TrainOptions,
    more: (run: StoredRun) => Partial<TrainJob>,
  ): Promise<TrainOutcome>;
  openCheckpoint(runs: RunStore, id: string, step: number): Promise<void>;
}
