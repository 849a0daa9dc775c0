import type { Recipe } from '../config/recipe.ts';
import type { MemoryPlan, Phase, Preparation, Profile, Progress, TrainOutcome } from '../workers/protocol.ts';
import type { ErrorNote } from './errorNote.ts';

/** An answer to a prompt of the person's choice, as of a step. */
export interface Sample {
  step: number;
  prompt: string;
  text: string;
}

export interface RunState {
  /** `recovering`: the device or its worker was lost, and a stored run is about to go on. */
  status: 'idle' | 'preparing' | 'running' | 'stopping' | 'pausing' | 'recovering' | 'done' | 'failed';
  /** What is under way before the first step. */
  phase: Phase | null;
  /** Weights on their way to the GPU. */
  loading: Progress | null;
  totalSteps: number;
  trainableParameters: number;
  /** What the memory plan said of it before it began. */
  plan: MemoryPlan | null;
  /** Rows kept for evaluation. */
  evalRows: number;
  /** The recipe as it was when the run began. */
  recipe: Recipe | null;
  /** Its id among the stored runs; null where it is not stored. */
  id: string | null;
  /** Why it is not stored. */
  notStored: ErrorNote | null;
  /** The last step that is on disk, and when it was written (milliseconds since 1970). */
  checkpoint: { step: number; at: number } | null;
  /** A checkpoint found no room; training waits. */
  storageFull: { step: number; error: ErrorNote } | null;
  /** Where it went on, in this visit, and how many damaged checkpoints were passed over. */
  resumed: { step: number; passedOver: number } | null;
  /** How often it went on after a lost device or worker. */
  recoveries: number;
  /** The worker that held the model was lost, and none has opened it again so far. */
  modelLost: boolean;
  samples: Sample[];
  outcome: TrainOutcome | null;
  /** How long it took from the beginning to the end of the first step, and what of that came before it. */
  firstStep: { seconds: number; preparation: Preparation } | null;
  /** Whether a step is to be timed, and the last that was. */
  profiling: boolean;
  profile: { step: number; profile: Profile } | null;
  profileError: ErrorNote | null;
  /** Why its 4-bit weights were not kept for the next time. */
  notKept: string | null;
  error: ErrorNote | null;
}

/** No run yet. */
export const emptyRun: RunState = {
  status: 'idle',
  phase: null,
  loading: null,
  totalSteps: 0,
  trainableParameters: 0,
  plan: null,
  evalRows: 0,
  recipe: null,
  id: null,
  notStored: null,
  checkpoint: null,
  storageFull: null,
  resumed: null,
  recoveries: 0,
  modelLost: false,
  samples: [],
  outcome: null,
  firstStep: null,
  profiling: false,
  profile: null,
  profileError: null,
  notKept: null,
  error: null,
};
