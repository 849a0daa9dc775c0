import { errorFacts } from '../base/lib/errorFacts.ts';
import { GraftError } from '../base/lib/errors.ts';
import type { RunRecord } from '../base/config/runRecord.ts';
import { isTakenOver } from '../content/runs/fence.ts';
import type { CurveRecord } from '../content/runs/curveLog.ts';
import type { StoredProgress } from '../content/runs/header.ts';
import type { StoredRun } from '../content/runs/storedRun.ts';
import type { CheckpointData } from '../content/runs/types.ts';
import type { runLog } from '../engine/train/runLog.ts';
import type { CompletionNumbers } from '../engine/train/completionNumbers.ts';
import type { Rewards } from '../engine/train/preference/answers.ts';
import type { StepReport } from '../engine/train/trainer.ts';
import { isWriteFailure, leavesRunResumable } from '../base/lib/errorKind.ts';
import type { TrainOptions, TrainOutcome } from './trainJob.ts';

/** The record of a run as it grows. */
export type RunLog = ReturnType<typeof runLog>;

/**
 * What is recorded of a training: its curves, metrics and losses in memory, and on disk where the run is stored. What
 * cannot be written never ends a training, nor does another owner of the run: from then on nothing more is stored.
 */
export class RunRecorder {
  readonly #log: RunLog;
  readonly #stored: StoredRun | null;
  readonly #options: TrainOptions;
  readonly #startedAt = performance.now();
  readonly #secondsBefore: number;
  readonly #metrics: string[] = [];
  #progress: StoredProgress;
  #evalStep: number | null = null;
  /** Another owner has the stored run. */
  #isTakenOver = false;

  /** @param stored the run on disk, owned by the caller until `end` or `fail`; null where it is not stored */
  constructor(log: RunLog, stored: StoredRun | null, options: TrainOptions) {
    this.#log = log;
    this.#stored = stored;
    this.#options = options;
    this.#progress = stored?.header.progress ?? {
      step: 0,
      totalSteps: 0,
      loss: null,
      evalLoss: null,
      seconds: 0,
    };
    this.#secondsBefore = this.#progress.seconds;
  }

  /** The record of the run up to now. */
  get record(): RunRecord {
    return this.#log.record();
  }

  /** metrics.jsonl up to now: a line a step. */
  get metrics(): string {
    return this.#metrics.join('');
  }

  /** Seconds of training, earlier visits included. */
  get seconds(): number {
    return this.#secondsBefore + (performance.now() - this.#startedAt) / 1000;
  }

  /** Whether a checkpoint of a step is on disk. */
  has(step: number): boolean {
    if (this.#isTakenOver) return false;
    return this.#stored?.checkpoints.some((one) => one.step === step) ?? false;
  }

  /** Takes the curves of earlier visits. */
  replay(records: readonly CurveRecord[]): void {
    for (const record of records) {
      if (record.kind === 'step') this.#note(record);
      if (record.kind === 'eval') this.#log.evaluated(record.step, record.loss);
    }
  }

  step(report: StepReport): void {
    const { step, loss, gradNorm, lr, tokens, contextTokens, skipped, rewards, completions } = report;
    this.#progress = { ...this.#progress, step, loss: finiteOrNull(loss) };
    this.#note(report);
    const numbers = { loss, gradNorm, lr, tokens, contextTokens, skipped };
    const also = { ...(rewards && { rewards }), ...(completions && { completions }) };
    this.#append({ kind: 'step', step, at: Date.now(), ...numbers, ...also });
  }

  evaluated(step: number, loss: number, reward?: number): void {
    this.#evalStep = step;
    this.#progress = { ...this.#progress, evalLoss: finiteOrNull(loss) };
    this.#log.evaluated(step, loss);
    const also = reward === undefined ? {} : { reward };
    this.#append({ kind: 'eval', step, at: Date.now(), loss, ...also });
    this.#options.onEvent?.({ kind: 'eval', step, loss, ...also });
  }

  sampled(step: number, prompt: string, text: string): void {
    this.#append({ kind: 'sample', step, at: Date.now(), prompt, text });
    this.#options.onEvent?.({ kind: 'sample', step, prompt, text });
  }

  /** Commits a checkpoint. Where it cannot be written it is tried again or skipped, as `onStorageFull` answers. */
  async save(data: CheckpointData): Promise<void> {
    const run = this.#stored;
    if (!run || this.#isTakenOver) return;
    for (;;) {
      try {
        // The loss of an earlier step would make this checkpoint the best for what it is not.
        const { savedAt } = await run.save(
          data,
          this.#evalStep === data.step ? this.#progress.evalLoss : null,
        );
        await run.change({ progress: this.#progressNow() });
        return this.#options.onEvent?.({ kind: 'checkpoint', step: data.step, at: savedAt });
      } catch (error) {
        if (isTakenOver(error)) return this.#takeAway(error);
        if (!isWriteFailure(error)) throw error;
        // Asked before the event, which may bring the answer at once.
        const answer = this.#options.onStorageFull?.(data.step, error);
        this.#options.onEvent?.({ kind: 'storageFull', step: data.step, error: errorFacts(error) });
        if ((await answer) !== 'retry') return;
      }
    }
  }

  /** The run has ended as it should and is released. */
  async end(ended: TrainOutcome['ended']): Promise<void> {
    const state = ended === 'paused' || ended === 'stopped' ? ended : 'done';
    await this.#release({ state, progress: this.#progressNow(), failure: null });
  }

  /** The run has failed and is released; after a fault of the device it counts as cut off, and can be resumed. */
  async fail(error: unknown): Promise<void> {
    if (leavesRunResumable(error)) return this.#release(null);
    const failure =
      error instanceof GraftError
        ? { code: error.code, params: error.params }
        : { code: 'workers.unexpected', params: {} };
    await this.#release({ state: 'failed', failure, progress: this.#progressNow() });
  }

  async #release(change: Parameters<StoredRun['change']>[0] | null): Promise<void> {
    const run = this.#stored;
    if (!run || this.#isTakenOver) return;
    // On a full disk the run counts as cut off: its checkpoints are there all the same.
    const changing = change ? run.change(change) : run.checkOwner();
    await changing.catch((error: unknown) => (isTakenOver(error) ? this.#takeAway(error) : undefined));
    await run.close().catch(() => undefined);
  }

  async #takeAway(error: unknown): Promise<void> {
    if (this.#isTakenOver) return;
    this.#isTakenOver = true;
    this.#options.onEvent?.({ kind: 'takenOver', error: errorFacts(error) });
    await this.#stored?.close().catch(() => undefined);
  }

  #note(report: NotedStep): void {
    const { step, loss, gradNorm, lr, tokens, rewards, completions } = report;
    const line = {
      step,
      loss,
      grad_norm: gradNorm,
      lr,
      tokens,
      ...(rewards && rewardColumns(rewards)),
      ...(completions && completionColumns(completions)),
    };
    this.#metrics.push(`${JSON.stringify(line)}\n`);
    this.#log.step(report);
  }

  #append(record: CurveRecord): void {
    if (this.#isTakenOver) return;
    // What cannot be written now is written with the next checkpoint, which reports it.
    this.#stored
      ?.record(record)
      .catch((error: unknown) => (isTakenOver(error) ? this.#takeAway(error) : undefined));
  }

  #progressNow(): StoredProgress {
    return { ...this.#progress, seconds: this.seconds };
  }
}

/** What metrics.jsonl has of a step. */
type NotedStep = Pick<StepReport, 'step' | 'loss' | 'gradNorm' | 'lr' | 'tokens'> & {
  rewards?: Rewards | undefined;
  completions?: CompletionNumbers | undefined;
};

/** By TRL's names, where it has them. */
function completionColumns({ rewards, ...numbers }: CompletionNumbers) {
  const { reward, rewardStd, kl, length, cut, clipRatio, withoutSpread } = numbers;
  return {
    reward,
    reward_std: rewardStd,
    rewards,
    kl,
    completion_length: length,
    completions_cut: cut,
    clip_ratio: clipRatio,
    frac_reward_zero_std: withoutSpread,
  };
}

function rewardColumns({ chosen, rejected, margin, accuracy }: Rewards) {
  return { rewards_chosen: chosen, rewards_rejected: rejected, margin, accuracy };
}

function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
