import type { TrainProgress } from './trainProgress.ts';
import { spikeLimits } from './spikeLimits.ts';
import { StepRecorder, type BegunStep, type StepParts } from './stepRecorder.ts';
import type { TrainOptions } from './trainOptions.ts';

/** An optimizer step whose update is done, with its numbers. */
export interface FinishedStep extends BegunStep {
  /** Mean over the step's targets, or of the objective over its micro-batches, before the update. */
  loss: number;
  /** Before clipping. */
  gradNorm: number;
  /** The update changed nothing. */
  skipped: boolean;
  /** It was skipped because loss or gradient norm exceeded the spike guard's limits. */
  spike: boolean;
  /**
   * Resolves when no gradients are being recorded any more: await it before running anything else on the decoder. The
   * parameters stay those after this step until the next one is taken.
   */
  settled(): Promise<void>;
}

/** What a run's steps are made with, and where it is. */
export interface RunParts extends StepParts {
  /** The caller notes each step in it before it asks for the next. */
  progress: TrainProgress;
  /** Whether the run is over. */
  ended(): boolean;
}

/**
 * The optimizer steps of a run from `progress` on, one at a time. While the numbers of a step are on their way, the GPU
 * already computes the next one's gradients; the next update waits until the step is noted, since its numbers may say
 * that there is none. Steps whose weights come from disk do not overlap: reading them keeps pace with the GPU anyway.
 * Throws what `StepRecorder` throws. What was begun has ended when this returns, however it does.
 */
export async function* pipelinedSteps(
  options: TrainOptions,
  run: RunParts,
): AsyncGenerator<FinishedStep, void, void> {
  const { decoder, recipe } = options;
  const { plan, growth, progress } = run;
  const recorder = new StepRecorder(options, run);
  // Nor do those that sample with the parameters of the step before: a stop would wait for a sample that nobody needs.
  const overlaps = !decoder.weights.streams && !decoder.spill && !run.sampled;
  let next: Promise<BegunStep> | null = null;
  const settled = async (): Promise<void> => {
    await next?.catch(() => undefined);
  };
  try {
    if (!run.ended()) next = recorder.beginFirst(progress.step + 1);
    while (!run.ended()) {
      const begun = await (next ?? recorder.begin(progress.step + 1));
      const { step, counts } = begun;
      const limits = spikeLimits(progress.window, recipe.spike_guard);
      const numbers = recorder.update(begun, progress.updates, limits);
      next = overlaps && step < plan.steps && !growth.changesAfter(step) ? recorder.begin(step + 1) : null;
      // Its error is thrown when it is that step's turn.
      next?.catch(() => undefined);
      const { lossSum, gradNorm, skipped } = await numbers;
      const loss = lossSum / counts.lossCount;
      const finite = Number.isFinite(gradNorm) && Number.isFinite(loss);
      const exceeds = limits !== null && (loss > limits.loss || gradNorm > limits.gradNorm);
      yield { ...begun, loss, gradNorm, skipped, spike: skipped && finite && exceeds, settled };
    }
  } finally {
    await settled();
  }
}
