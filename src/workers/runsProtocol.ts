/** What the page and the engine worker say to each other of runs: training, and what is stored of it. */
import type { Recipe } from '../config/recipe.ts';
import type { RowChanges } from '../config/runRecord.ts';
import type { TokenRows } from '../data/tokenRows.ts';
import type { CheckpointInfo } from '../runs/checkpointStore.ts';
import type { CurveRecord } from '../runs/curveLog.ts';
import type { RunHeader } from '../runs/header.ts';
import type { RunSize } from '../runs/run.ts';
import type { MemoryByPart } from '../gpu/memory.ts';
import type { Profile } from '../lib/profile.ts';
import type { LrRange } from '../train/lrRange.ts';
import type { LrPoint } from '../train/lrSuggestion.ts';
import type { Preparation } from '../train/prepare.ts';
import type { ErrorFacts, ModelSource, Phase, Progress, Result } from './protocol.ts';

export type { CheckpointInfo } from '../runs/checkpointStore.ts';
export type { CurveRecord } from '../runs/curveLog.ts';
export type { RunSize } from '../runs/run.ts';
export type { LrRange } from '../train/lrRange.ts';
export type { LrPoint } from '../train/lrSuggestion.ts';

/** A prompt that is answered at each checkpoint. */
export interface SamplePrompt {
  text: string;
  /** Its tokens by the model's template, from the data worker. */
  ids: number[];
  /** The tokens that end its answer; absent in runs stored before they were known. */
  endIds?: number[] | undefined;
}

/** How the model of a run is found in a later visit; files that were dropped must be dropped again. */
export type ModelPlace =
  Extract<ModelSource, { kind: 'bundled' | 'cached' }> | { kind: 'dropped'; name: string };

/** What a new run is begun with. */
export interface TrainRequest {
  recipe: Recipe;
  /** What the history calls it. */
  name: string;
  /** Name of the file the rows are from, or its address on a Hub. */
  dataFile: string;
  /** What was changed of its rows by hand; none for the file as it is. */
  changes?: RowChanges | undefined;
  rows: TokenRows;
  evalRows: TokenRows | null;
  samples: SamplePrompt[];
}

export type TrainEvent =
  | { kind: 'phase'; phase: Phase }
  | { kind: 'loading'; progress: Progress }
  /** The run is stored under this id from now on. */
  | { kind: 'stored'; id: string }
  /** It cannot be: it trains as well, and is lost with the tab. */
  | { kind: 'notStored'; error: ErrorFacts }
  /** It goes on after this step; `passedOver` later checkpoints were damaged. */
  | { kind: 'resumed'; step: number; passedOver: number }
  | { kind: 'start'; totalSteps: number; trainableParameters: number }
  | {
      kind: 'step';
      step: number;
      loss: number;
      gradNorm: number;
      lr: number;
      tokens: number;
      skipped: boolean;
      spike: boolean;
      tokensPerSecond: number;
      secondsLeft: number;
      /** The most GPU memory at once in this run so far, and what it was for. */
      gpuBytes: number;
      gpuParts: MemoryByPart;
    }
  | { kind: 'eval'; step: number; loss: number }
  /** The run is on disk up to this step. */
  | { kind: 'checkpoint'; step: number; at: number }
  /** A checkpoint found no room: training waits for `answerStorage`. What was saved before is intact. */
  | { kind: 'storageFull'; step: number; error: ErrorFacts }
  | { kind: 'sample'; step: number; prompt: string; text: string }
  /** The first step is done. @param seconds since the run began */
  | { kind: 'firstStep'; seconds: number; preparation: Preparation }
  /** The times of a step that `profileStep` asked for. */
  | { kind: 'profile'; step: number; profile: Profile }
  /** The 4-bit weights were not left on disk for the next load: the run is as good, the next one starts later. */
  | { kind: 'notKept'; detail: string };

export interface TrainOutcome {
  /** Optimizer steps done, also those before it was resumed. */
  steps: number;
  /** Ended by the person before its last step: for good, or to go on later. */
  ended: 'whole' | 'early' | 'stopped' | 'paused';
  finalLoss: number;
  /** The lowest evaluation loss and its step. */
  best: { step: number; loss: number } | null;
  /** The step whose parameters the engine holds (with `load_best` that of the best), and whether a checkpoint has them. */
  kept: { step: number; stored: boolean };
  seconds: number;
}

/** A stored run in the list. `cut`: it was running when its tab or worker ended. `elsewhere`: another tab has it. */
export interface RunEntry {
  id: string;
  /** On disk; 0 where that cannot be read. */
  bytes: number;
  /** Null where both copies of its head are damaged: it can only be deleted. */
  head:
    | (Pick<
        RunHeader,
        'name' | 'note' | 'createdAt' | 'changedAt' | 'recipe' | 'base' | 'data' | 'progress' | 'failure'
      > & {
        status: Exclude<RunHeader['state'], 'running'> | 'running' | 'cut' | 'elsewhere';
        place: ModelPlace;
      })
    | null;
}

/** All that is stored of a run. */
export interface RunDetail {
  checkpoints: CheckpointInfo[];
  curves: CurveRecord[];
  size: RunSize;
}

/** Training, and runs that are stored. */
export interface RunsApi {
  /** Begins a run, and stores it where the browser lets it. */
  train(request: TrainRequest, onEvent: (e: TrainEvent) => void): Promise<Result<TrainOutcome>>;
  /** Goes on with a stored run from its last checkpoint; its model must be open. Throws `train.resume_other_model`, `runs.*`. */
  resumeRun(id: string, onEvent: (e: TrainEvent) => void): Promise<Result<TrainOutcome>>;
  /** Ends the training after its current step; the adapter is kept. */
  stopTraining(): Promise<Result<null>>;
  /** Saves the run after its current step and ends it, to go on later. */
  pauseTraining(): Promise<Result<null>>;
  /** After `storageFull`: tries again, or goes on without this checkpoint. */
  answerStorage(answer: 'again' | 'without'): Promise<Result<null>>;
  /** Sweeps the learning rate over a few steps of a recipe, of which nothing is kept. */
  lrRange(
    recipe: Recipe,
    rows: TokenRows,
    onPoint: (point: LrPoint, total: number) => void,
    onProgress: (p: Progress) => void,
  ): Promise<Result<LrRange>>;
  /** Ends the sweep with what there is. */
  stopLrRange(): Promise<Result<null>>;
  /** Has the next step of the training timed: it comes as an event of the run. */
  profileStep(): Promise<Result<null>>;
  /** All stored runs, the newest first; none where the browser denies storage. */
  runs(): Promise<Result<RunEntry[]>>;
  runDetail(id: string): Promise<Result<RunDetail>>;
  changeRun(id: string, change: { name?: string; note?: string }): Promise<Result<null>>;
  /** Keeps a checkpoint, whatever comes after. */
  pinCheckpoint(id: string, step: number, pinned: boolean): Promise<Result<null>>;
  /** Gives back what only going on needs; adapters stay. @returns bytes */
  freeRun(id: string): Promise<Result<number>>;
  removeRun(id: string): Promise<Result<null>>;
  /** A whole run as one file. */
  exportRun(id: string): Promise<Result<File>>;
  /** @returns its id here */
  importRun(file: File): Promise<Result<string>>;
  /** Takes what was trained up to a checkpoint of a run, to try and to export; its model must be open. */
  openCheckpoint(id: string, step: number, onProgress: (p: Progress) => void): Promise<Result<null>>;
}
