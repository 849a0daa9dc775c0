import type { Recipe } from '../base/config/recipe.ts';
import type { ActivationDtype, Elsewhere, RowChanges } from '../base/config/runRecord.ts';
import type { TokenRows } from '../content/data/tokens/tokenRows.ts';
import type { TrainRows } from '../content/data/tokens/trainRows.ts';
import type { PeftAdapter } from '../content/formats/peft.ts';
import type { RunStore } from '../content/runs/runStore.ts';
import type { TrainEvent } from './events.ts';

/** Tokenized rows to train on, and those held out for evaluation. */
export interface SplitRows {
  train: TrainRows;
  evaluation: TokenRows | null;
}

/** Rows that are all in memory. */
export interface RowsInMemory extends SplitRows {
  train: TokenRows;
}

/** A prompt that is answered at each checkpoint. */
export interface SamplePrompt {
  text: string;
  /** Its tokens by the model's template. */
  ids: number[];
  /** The tokens that end its answer; absent in runs stored before they were recorded. */
  endIds?: number[] | undefined;
}

/** What a run trains on. */
export interface TrainJob {
  recipe: Recipe;
  rows: SplitRows;
  /** Name of the data file, or its address on a Hub: for the record. */
  dataFile: string;
  /** What was changed of its rows by hand; none for the file as it is. */
  changes?: RowChanges | undefined;
  /** Name of the file of the evaluation rows, where they are not of the data file. */
  validationFile?: string | undefined;
  samples?: readonly SamplePrompt[];
  /** The adapter training continues from; a stored run has a copy, and is resumed without. */
  initial?: PeftAdapter | null;
  /** Kernels of an earlier run, for the same bits; by default those that are fastest here. */
  kernels?: Readonly<Record<string, string>> | null;
  /** The dtype of that run's activations, in place of "auto". */
  activations?: ActivationDtype | undefined;
  /** Steps of the run that were done on a cluster. */
  elsewhere?: Elsewhere | undefined;
}

/** Where a run is stored as it trains. */
export interface RunStorage {
  runs(): Promise<RunStore>;
  /** Its name in the list of runs; a number is added where another run has it. */
  name: string;
  /** Any JSON the host needs to open the run again. */
  extra?: unknown;
  /** A run that cannot be stored is an error; otherwise it trains without checkpoints, and `notStored` is reported. */
  required?: boolean;
}

/** How a training is watched and controlled. */
export interface TrainOptions {
  onEvent?(event: TrainEvent): void;
  /** Ends the run after its current step; with the reason "pause" it counts as paused. The adapter stays either way. */
  signal?: AbortSignal;
  /**
   * A step that is evaluated besides those of the recipe's schedule, such as a sweep's rung. It counts for neither the best
   * step nor early stopping.
   */
  evaluateAfter?: number;
  /** Seconds between two checkpoints: what a crash may cost. */
  checkpointSeconds?: number;
  /** A checkpoint cannot be written, most often for want of room: try again, or continue without it. By default it is skipped. */
  onStorageFull?(step: number, error: unknown): Promise<'retry' | 'skip'>;
  /** Asked before each step: true has it profiled, which is reported as an event. */
  profile?(): boolean;
}

/** How a run ended. */
export interface TrainOutcome {
  /** Optimizer steps done, those before it was resumed included. */
  steps: number;
  /** `stopped` and `paused`: by its signal; `early`: evaluations stopped improving. */
  ended: 'whole' | 'early' | 'stopped' | 'paused';
  finalLoss: number;
  /** The lowest evaluation loss and its step. */
  best: { step: number; loss: number } | null;
  /** The step whose parameters the session holds (with `load_best` the best one's), and whether a checkpoint has them. */
  result: { step: number; stored: boolean };
  /** Seconds of training, earlier visits included. */
  seconds: number;
}
