import type { Recipe } from '../../../base/config/recipe.ts';
import type {
  CurveRecord,
  MemoryPlan,
  Phase,
  Preparation,
  Profile,
  Progress,
  TrainEvent,
  TrainOutcome,
} from '../../../hosts/browser/protocol.ts';
import type { ErrorNote } from '../errorNote.ts';

/** An answer to one of the user's prompts, at a step. */
export interface Sample {
  step: number;
  prompt: string;
  text: string;
}

/** Answers to a prompt that were sampled for a step, with their rewards; null where no reward says anything. */
export interface SampledGroup {
  step: number;
  prompt: string;
  answers: readonly { text: string; reward: number | null }[];
}

export interface RunState {
  /** `recovering`: the device or its worker was lost, and a stored run is about to resume. */
  status: 'idle' | 'preparing' | 'running' | 'stopping' | 'pausing' | 'recovering' | 'done' | 'failed';
  /** The activity before the first step. */
  phase: Phase | null;
  /** What it is about: prompts to answer, or rows to evaluate. */
  phaseCount: number;
  /** When it began or resumed in this visit (Unix, milliseconds). */
  startedAt: number;
  /** Weight upload progress. */
  loading: Progress | null;
  /** How much of a large file has tokens, before the weights are loaded. */
  tokenizing: Progress | null;
  totalSteps: number;
  trainableParameters: number;
  /** The memory plan made before the run. */
  plan: MemoryPlan | null;
  /** Number of rows held out for evaluation. */
  evalRows: number;
  /** Whether it is one of a sweep. */
  ofSweep: boolean;
  /** The recipe at the start of the run. */
  recipe: Recipe | null;
  /** Id of the stored run; null if it is not stored. */
  id: string | null;
  /** Why it is not stored. */
  notStored: ErrorNote | null;
  /** Another tab or process has its stored run. */
  takenOver: ErrorNote | null;
  /** The last step on disk, and its time (Unix, milliseconds). */
  checkpoint: { step: number; at: number } | null;
  /** A checkpoint found no space; training waits. */
  storageFull: { step: number; error: ErrorNote } | null;
  /** Where it resumed, in this visit, and the number of damaged checkpoints skipped. */
  resumed: { step: number; passedOver: number } | null;
  /** Number of recoveries from a lost device or worker. */
  recoveries: number;
  /** The worker with the model was lost, and none has opened it again so far. */
  modelLost: boolean;
  samples: Sample[];
  /** Groups of answers of GRPO with their rewards, as long as the page is open. */
  groups: SampledGroup[];
  outcome: TrainOutcome | null;
  /** Time from the start to the end of the first step, and the part of it before the step. */
  firstStep: { seconds: number; preparation: Preparation } | null;
  /** Whether a step will be profiled, and the last profile. */
  profiling: boolean;
  profile: { step: number; profile: Profile } | null;
  profileError: ErrorNote | null;
  /** Why its 4-bit weights were not cached. */
  notCached: string | null;
  error: ErrorNote | null;
}

/** No run yet. */
export const emptyRun: RunState = {
  status: 'idle',
  phase: null,
  phaseCount: 0,
  startedAt: 0,
  loading: null,
  tokenizing: null,
  totalSteps: 0,
  trainableParameters: 0,
  plan: null,
  evalRows: 0,
  ofSweep: false,
  recipe: null,
  id: null,
  notStored: null,
  takenOver: null,
  checkpoint: null,
  storageFull: null,
  resumed: null,
  recoveries: 0,
  modelLost: false,
  samples: [],
  groups: [],
  outcome: null,
  firstStep: null,
  profiling: false,
  profile: null,
  profileError: null,
  notCached: null,
  error: null,
};

/** An event to announce to users of screen readers. */
export type Milestone =
  | { kind: 'modelReady'; name: string }
  | { kind: 'modelsFound'; found: number }
  | { kind: 'downloadDone'; name: string }
  | { kind: 'dataReady'; rows: number }
  | { kind: 'trainingStarted'; steps: number }
  /** The loss is the smoothed one, as on the page. */
  | { kind: 'trainingProgress'; percent: number; loss: number }
  | { kind: 'trainingDone'; steps: number; loss: number }
  | { kind: 'trainingPaused'; step: number }
  | { kind: 'trainingRecovers'; step: number }
  | { kind: 'trainingFailed' }
  | { kind: 'sweepDone'; runs: number }
  | { kind: 'storageFull' }
  | { kind: 'profileDone'; step: number }
  | { kind: 'answersDone' }
  | { kind: 'benchmarkDone' }
  | { kind: 'exportDone'; name: string }
  | { kind: 'pushDone'; name: string };

/** A run that begins or goes on in a sweep. */
export interface StartedRun {
  recipe: Recipe;
  /** Of its stored run; null before it is stored. */
  id: string | null;
  totalSteps: number;
  /** What it has of earlier visits. */
  curves: readonly CurveRecord[];
}

/** Begins work of several runs: `onRun` is told which run begins, `onEvent` what it reports. */
export type RunsWork<Result> = (
  onRun: (run: StartedRun) => void,
  onEvent: (event: TrainEvent) => void,
) => Promise<Result>;

export interface RunSlice {
  run: RunState;
  /** Prompts to answer at each checkpoint of the next run. */
  samplePrompts: string[];
  milestone: Milestone | null;
  setSamplePrompts(prompts: string[]): void;
  /** Trains with the recipe, after confirmation if that would discard an unsaved adapter. */
  train(): Promise<void>;
  /**
   * Trains several runs, shown one after the other, and resumes after losing the device or the worker; in the end no run is
   * shown. @returns null where it failed: the run's error says why
   */
  trainRuns<Result>(work: {
    start: RunsWork<Result>;
    resume: RunsWork<Result>;
    /** Whether there is anything to resume. */
    isStored(): boolean;
  }): Promise<Result | null>;
  /** Resumes a stored run; its model must be open. */
  continueRun(id: string): Promise<void>;
  /** Stops the training after its current step; the adapter stays. */
  stopTraining(): Promise<void>;
  /** Saves the run after its current step and ends it, to be resumed later. */
  pauseTraining(): Promise<void>;
  /** What to do about a checkpoint that found no room. */
  answerStorage(answer: 'retry' | 'skip'): Promise<void>;
  /** Takes the memory plan of a run's recipe that was made only after the run began. */
  planned(recipe: Recipe, plan: MemoryPlan): void;
  /** Has the next step timed on the GPU. */
  profileStep(): Promise<void>;
  dismissProfileError(): void;
  dismissRunError(): void;
  announce(milestone: Milestone): void;
}
