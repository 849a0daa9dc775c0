import type { ErrorFacts } from '../base/lib/errorFacts.ts';
import type { Profile } from '../base/lib/profile.ts';
import type { MemoryByPart } from '../engine/gpu/memory.ts';
import type { Streaming } from '../engine/model/weights/streaming.ts';
import type { Preparation } from '../engine/train/prepare.ts';
import type { StepReport } from '../engine/train/trainer.ts';

/** A step of the run with its speed and memory. */
export interface StepEvent extends StepReport {
  tokensPerSecond: number;
  secondsLeft: number;
  /** The most GPU memory at once in this run so far, in bytes, and what it was for. */
  gpuBytes: number;
  gpuParts: MemoryByPart;
}

/** What a training reports, in the order of a run. Everything survives structured cloning. */
export type TrainEvent =
  /** Weights are being loaded: bytes. */
  | { kind: 'loading'; done: number; total: number }
  /** The 4-bit weights were not cached: the run is as good, the next load takes longer. */
  | { kind: 'notCached'; detail: string }
  /** Weights are on the GPU; what of the run waits on disk. */
  | { kind: 'loaded'; streaming: Streaming; layers: number }
  /** A and B begin as what the weights' largest singular values make of them (PiSSA): weights decomposed so far, and all. */
  | { kind: 'initializing'; done: number; total: number }
  /** The run is stored under this id from now on. */
  | { kind: 'stored'; id: string }
  /** It cannot be stored: it trains all the same, and is lost with the process. */
  | { kind: 'notStored'; error: ErrorFacts }
  /** Another tab or process has the stored run now: it trains on, and is saved no more. */
  | { kind: 'takenOver'; error: ErrorFacts }
  /** It continues after this step; the later checkpoints in `damaged` were passed over. */
  | { kind: 'resumed'; step: number; damaged: { file: string; step: number | null }[] }
  /** The sample prompts are being answered. */
  | { kind: 'answering'; step: number; prompts: number }
  | { kind: 'sample'; step: number; prompt: string; text: string }
  /** Answers that the model was just sampled to a prompt, to be trained on, with their rewards: of GRPO, now and then. */
  | { kind: 'completions'; step: number; prompt: string; answers: { text: string; reward: number | null }[] }
  /** The log-probabilities of the reference model are being computed, for all rows. */
  | { kind: 'references'; rows: number }
  /** The first step is being computed. */
  | { kind: 'start'; totalSteps: number; trainableParameters: number }
  /** The first step is done. @param seconds since the run began */
  | { kind: 'firstStep'; seconds: number; preparation: Preparation }
  | ({ kind: 'step' } & StepEvent)
  /** The evaluation rows are being read, before an `eval`. */
  | { kind: 'evaluating'; step: number; rows: number }
  /** Step 0 is before the first step, to compare with. */
  | { kind: 'eval'; step: number; loss: number; reward?: number }
  /** The run is on disk up to this step. */
  | { kind: 'checkpoint'; step: number; at: number }
  /** A checkpoint cannot be written, most often for want of room. What was saved before is intact. */
  | { kind: 'storageFull'; step: number; error: ErrorFacts }
  /** The times of a step that was profiled. */
  | { kind: 'profile'; step: number; profile: Profile };
