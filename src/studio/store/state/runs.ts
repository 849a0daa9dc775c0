import type { CheckpointInfo, RunDetail, RunEntry, RunTexts } from '../../../hosts/browser/protocol.ts';
import type { ErrorNote } from '../errorNote.ts';

export interface RunsState {
  /** Stored runs, the newest first. */
  entries: RunEntry[];
  /** Whether they have been read. */
  known: boolean;
  /** The selected run, and its stored data once read. */
  open: { id: string; detail: RunDetail | null } | null;
  /** Checkpoints of the run whose adapter the engine holds. */
  choices: { id: string; checkpoints: readonly CheckpointInfo[] } | null;
  /** Curves of the compared runs, by id. */
  compared: Record<string, RunDetail['curves']>;
  /** The current action, and its run. */
  working: {
    id: string | null;
    kind: 'exporting' | 'exportingJob' | 'importing' | 'removing' | 'freeing' | 'opening';
  } | null;
  /** A run exported as a file. */
  exported: { id: string; file: File } | null;
  /** A run exported as a job for a cluster. */
  job: { id: string; file: File } | null;
  error: ErrorNote | null;
}

export interface RunsSlice {
  runs: RunsState;
  /** Reads the list of stored runs. */
  refreshRuns(): Promise<void>;
  /** Selects a run; null closes it. */
  openRun(id: string | null): Promise<void>;
  /** Reads the list of a run's checkpoints. */
  readCheckpoints(id: string): Promise<void>;
  /** Adds a run to the comparison chart, or removes it. */
  compareRun(id: string, shown: boolean): Promise<void>;
  changeRun(id: string, change: RunTexts): Promise<void>;
  pinCheckpoint(id: string, step: number, pinned: boolean): Promise<void>;
  /** Deletes a run after confirmation. */
  removeRun(id: string): void;
  /** Frees data that only resuming needs; adapters stay. */
  freeRun(id: string): Promise<void>;
  exportRun(id: string): Promise<void>;
  importRun(file: File): Promise<void>;
  /** Opens the model of a run, if it can be found, and exports the rest of the run as a job for a cluster. */
  exportJob(id: string): Promise<void>;
  /** Takes a job back as a run; files are given by their paths in its folder. */
  importJob(name: string, files: { path: string; file: File }[]): Promise<void>;
  /** Opens the model of a run, if it can be found without the user. @returns whether it is open */
  openRunModel(id: string): Promise<boolean>;
  /** Opens the model of a run, if it can be found, and resumes the run. */
  resumeRun(id: string): Promise<void>;
  /** Loads the trained state of a checkpoint, to try and to export it. */
  takeCheckpoint(id: string, step: number): Promise<void>;
  dismissRunsError(): void;
}

export const emptyRuns: RunsState = {
  entries: [],
  known: false,
  open: null,
  choices: null,
  compared: {},
  working: null,
  exported: null,
  job: null,
  error: null,
};
