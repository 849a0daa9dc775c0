/** The engine worker's API for runs: training, and what is stored of it. */
import type { Recipe, RecipeKey } from '../../base/config/recipe.ts';
import type { RowChanges } from '../../base/config/runRecord.ts';
import type { TokenRows } from '../../content/data/tokens/tokenRows.ts';
import type { RowsPlace } from '../../content/data/tokens/trainRows.ts';
import type { CheckpointInfo } from '../../content/runs/checkpointStore.ts';
import type { CurveRecord } from '../../content/runs/curveLog.ts';
import type { RunHeader } from '../../content/runs/header.ts';
import type { RunSize } from '../../content/runs/storedRun.ts';
import type { TrainEvent } from '../../session/events.ts';
import type { SamplePrompt, TrainOutcome } from '../../session/trainJob.ts';
import type { SweepRow } from '../../session/sweep/sweepTable.ts';
import type { LrRange } from '../../engine/train/lrRange.ts';
import type { LrPoint } from '../../engine/train/lrSuggestion.ts';
import type { ModelSource, Progress } from './messages.ts';

export type { CheckpointInfo } from '../../content/runs/checkpointStore.ts';
export type { CurveRecord } from '../../content/runs/curveLog.ts';
export type { RunSize } from '../../content/runs/storedRun.ts';
export type { LrRange } from '../../engine/train/lrRange.ts';
export type { LrPoint } from '../../engine/train/lrSuggestion.ts';
export type { TrainEvent } from '../../session/events.ts';
export type { SamplePrompt, TrainOutcome } from '../../session/trainJob.ts';

/** How the model of a run is found in a later session; dropped files have to be dropped again. */
export type ModelRef =
  Extract<ModelSource, { kind: 'bundled' | 'cached' }> | { kind: 'dropped'; name: string };

/** A new run. */
export interface TrainRequest {
  recipe: Recipe;
  /** Its name in the history. */
  name: string;
  /** Name of the file the rows are from, or its address on a Hub. */
  dataFile: string;
  /** Changes made to its rows by hand; none for the file as it is. */
  changes?: RowChanges | undefined;
  /** Name of the file of the evaluation rows, where they are not of the data file. */
  validationFile?: string | undefined;
  rows: TokenRows | RowsPlace;
  evalRows: TokenRows | null;
  samples: SamplePrompt[];
}

/** Recipes to compare. */
export interface SweepRequest extends Omit<TrainRequest, 'name' | 'samples' | 'rows'> {
  rows: TokenRows;
  /** The settings that are varied, and their values as they are written: `1e-4, 3e-4`. `recipe` has what all share. */
  axes: readonly { key: RecipeKey; values: string }[];
  /** Whether the worse half is stopped at each rung. */
  halving: boolean;
}

/** A run of a sweep as a row of its table. */
export interface SweepReportRow extends SweepRow {
  /** Of its stored run; null before it begins. */
  run: string | null;
  recipe: Recipe;
  failure: RunHeader['failure'];
}

/** A sweep as it is: the settings that differ, and its runs, the best first. */
export interface SweepReport {
  id: string;
  createdAt: number;
  dataFile: string;
  /** Name of the model. */
  model: string;
  keys: RecipeKey[];
  rows: SweepReportRow[];
  /** The place of the run that trains now. */
  training: number | null;
  /** The place of the best run that is finished. */
  best: number | null;
  /** Whether nothing is left to train. */
  over: boolean;
  /** Whether a tab has it open. */
  busy: boolean;
}

/** What happens in a sweep: it changed or another run of it trains, or what that run reports. */
export type SweepEvent = { kind: 'sweep'; report: SweepReport } | { kind: 'run'; event: TrainEvent };

/** A stored run in the list. `cut`: it was running when its tab or worker ended. `elsewhere`: another tab has it. */
export interface RunEntry {
  id: string;
  /** On disk; 0 if unknown. */
  bytes: number;
  /** Null where both copies of its head are damaged: it can only be deleted. */
  head:
    | (Pick<
        RunHeader,
        | 'name'
        | 'note'
        | 'tags'
        | 'createdAt'
        | 'changedAt'
        | 'recipe'
        | 'base'
        | 'data'
        | 'progress'
        | 'failure'
      > & {
        status: Exclude<RunHeader['state'], 'running'> | 'running' | 'cut' | 'elsewhere';
        place: ModelRef;
        /** The sweep it belongs to. */
        sweep: string | null;
      })
    | null;
}

/** What the user writes about a run. */
export interface RunTexts {
  name?: string;
  note?: string;
  tags?: string[];
}

/** All that is stored of a run. */
export interface RunDetail {
  checkpoints: CheckpointInfo[];
  curves: CurveRecord[];
  size: RunSize;
}

/** Training, and runs that are stored. */
export interface RunsApi {
  /** Starts a run, and stores it if the browser allows. */
  train(request: TrainRequest, onEvent: (e: TrainEvent) => void): Promise<TrainOutcome>;
  /** Continues a stored run from its last checkpoint; its model must be open. Throws `train.resume_other_model`, `runs.*`. */
  resumeRun(id: string, onEvent: (e: TrainEvent) => void): Promise<TrainOutcome>;
  /** Trains a sweep, stored with its runs; stopping or pausing the training pauses it. Throws `train.sweep_*`, and as `train`. */
  sweep(request: SweepRequest, onEvent: (e: SweepEvent) => void): Promise<SweepReport>;
  /** Continues a stored sweep; its model must be open. Throws `runs.sweep_*`, and as `resumeRun`. */
  resumeSweep(id: string, onEvent: (e: SweepEvent) => void): Promise<SweepReport>;
  /** All stored sweeps, the newest first; none where the browser denies storage. */
  sweeps(): Promise<SweepReport[]>;
  /** Removes a sweep; its runs stay. Throws `runs.sweep_in_use`. */
  removeSweep(id: string): Promise<void>;
  /** Ends the training after its current step; the adapter stays. */
  stopTraining(): Promise<void>;
  /** Saves the run after its current step and ends it, to be resumed later. */
  pauseTraining(): Promise<void>;
  /** After `storageFull`: tries again, or continues without this checkpoint. */
  answerStorage(answer: 'retry' | 'skip'): Promise<void>;
  /** Sweeps the learning rate over a few steps of a recipe; nothing of them stays. */
  lrRange(
    recipe: Recipe,
    rows: TokenRows,
    onPoint: (point: LrPoint, total: number) => void,
    onProgress: (p: Progress) => void,
  ): Promise<LrRange>;
  /** Ends the sweep with the points it has. */
  stopLrRange(): Promise<void>;
  /** Profiles the next training step, which is reported as an event of the run. */
  profileStep(): Promise<void>;
  /** All stored runs, the newest first; none where the browser denies storage. */
  runs(): Promise<RunEntry[]>;
  runDetail(id: string): Promise<RunDetail>;
  /** Renames a run, or changes its note or tags; a number is added to a name that another run has. */
  changeRun(id: string, change: RunTexts): Promise<void>;
  /** Pins a checkpoint: later ones do not replace it. */
  pinCheckpoint(id: string, step: number, pinned: boolean): Promise<void>;
  /** Removes what only resuming needs; adapters stay. @returns freed bytes */
  freeRun(id: string): Promise<number>;
  removeRun(id: string): Promise<void>;
  /** A whole run as one file. */
  exportRun(id: string): Promise<File>;
  /** @returns its new id */
  importRun(file: File): Promise<string>;
  /** A run as a zip of a job for a cluster, from its last checkpoint on; its model must be open. */
  exportJob(id: string): Promise<File>;
  /** Takes a job back, whose files are given by their paths in its folder; its model must be open. @returns the run's id */
  importJob(name: string, files: { path: string; file: File }[]): Promise<string>;
  /** Loads what was trained up to a checkpoint of a run, to generate and to export; its model must be open. */
  openCheckpoint(id: string, step: number, onProgress: (p: Progress) => void): Promise<void>;
}
