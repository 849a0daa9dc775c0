import { GraftError } from '../lib/errors.ts';
import type { CurveRecord } from '../runs/curveLog.ts';
import type { RunProgress } from '../runs/header.ts';
import type { Run } from '../runs/run.ts';
import type { CheckpointData } from '../runs/types.ts';
import type { StepReport } from '../train/trainer.ts';
import { errorFacts } from './result.ts';
import type { TrainEvent, TrainOutcome } from './runsProtocol.ts';

/** Errors after which the run is as it was: it goes on with another device or worker. */
const passing: ReadonlySet<string> = new Set(['gpu.device_lost', 'gpu.out_of_memory', 'gpu.validation']);

/**
 * A training and what is stored of it. A run that cannot be stored has no `run`, and all of this does nothing. What cannot be
 * written never ends a training: it waits for the person, or goes on without.
 */
export class TrainingRun {
  readonly #run: Run | null;
  readonly #onEvent: (event: TrainEvent) => void;
  readonly #startedAt = performance.now();
  /** Seconds of training before this visit. */
  readonly #secondsBefore: number;
  #answered: ((answer: 'again' | 'without') => void) | null = null;
  #loss: number | null;
  #evalLoss: number | null;
  #evalStep: number | null = null;
  #step: number;

  constructor(run: Run | null, onEvent: (event: TrainEvent) => void) {
    this.#run = run;
    this.#onEvent = onEvent;
    const { step, loss, evalLoss, seconds } = run?.header.progress ?? emptyProgress;
    [this.#step, this.#loss, this.#evalLoss, this.#secondsBefore] = [step, loss, evalLoss, seconds];
  }

  get id(): string | null {
    return this.#run?.id ?? null;
  }

  /** Whether there is a checkpoint of a step. */
  has(step: number): boolean {
    return this.#run?.checkpoints.some((one) => one.step === step) ?? false;
  }

  /** Seconds of training, in all visits. */
  get seconds(): number {
    return this.#secondsBefore + (performance.now() - this.#startedAt) / 1000;
  }

  step({ step, loss, gradNorm, lr, tokens, contextTokens, skipped }: StepReport): void {
    [this.#step, this.#loss] = [step, Number.isFinite(loss) ? loss : null];
    this.#note({ kind: 'step', step, at: Date.now(), loss, gradNorm, lr, tokens, contextTokens, skipped });
  }

  evaluated(step: number, loss: number): void {
    [this.#evalStep, this.#evalLoss] = [step, Number.isFinite(loss) ? loss : null];
    this.#note({ kind: 'eval', step, at: Date.now(), loss });
  }

  sampled(step: number, prompt: string, text: string): void {
    this.#note({ kind: 'sample', step, at: Date.now(), prompt, text });
  }

  /** Commits a checkpoint. Where there is no room, the person is asked until there is, or it is done without. */
  async save(data: CheckpointData): Promise<void> {
    const run = this.#run;
    if (!run) return;
    for (;;) {
      try {
        // Only its own: that of an earlier step would make it the best for what it is not.
        const evalLoss = this.#evalStep === data.step ? this.#evalLoss : null;
        const { savedAt } = await run.save(data, evalLoss);
        await run.change({ progress: this.#progress() });
        return this.#onEvent({ kind: 'checkpoint', step: data.step, at: savedAt });
      } catch (error) {
        if (!(error instanceof GraftError && writing.has(error.code))) throw error;
        const answer = new Promise<'again' | 'without'>((resolve) => (this.#answered = resolve));
        this.#onEvent({ kind: 'storageFull', step: data.step, error: errorFacts(error) });
        const wanted = await answer;
        this.#answered = null;
        if (wanted === 'without') return;
      }
    }
  }

  /** What the person wants done about a checkpoint that found no room. */
  answer(wanted: 'again' | 'without'): void {
    this.#answered?.(wanted);
  }

  /** The run has ended as it should, and belongs to nobody from now on. */
  async end(ended: TrainOutcome['ended']): Promise<void> {
    const state = ended === 'paused' || ended === 'stopped' ? ended : 'done';
    await this.#close({ state, progress: this.#progress(), failure: null });
  }

  /** It has failed; after what is the device's fault it counts as cut off, and goes on. */
  async fail(error: unknown): Promise<void> {
    if (error instanceof GraftError && passing.has(error.code)) return this.#close(null);
    const failure =
      error instanceof GraftError
        ? { code: error.code, params: error.params }
        : { code: 'workers.unexpected', params: {} };
    await this.#close({ state: 'failed', failure });
  }

  async #close(change: Parameters<Run['change']>[0] | null): Promise<void> {
    const run = this.#run;
    if (!run) return;
    // On a full disk the run counts as cut off: its checkpoints are there all the same.
    if (change) await run.change(change).catch(() => undefined);
    await run.close().catch(() => undefined);
  }

  #note(record: CurveRecord): void {
    // What cannot be written now is written with the next checkpoint, which tells.
    this.#run?.record(record).catch(() => undefined);
  }

  #progress(): RunProgress {
    const totalSteps = this.#run?.header.progress.totalSteps ?? 0;
    return {
      ...{ step: this.#step, totalSteps, loss: this.#loss, evalLoss: this.#evalLoss },
      seconds: this.seconds,
    };
  }
}

const emptyProgress: RunProgress = { step: 0, totalSteps: 0, loss: null, evalLoss: null, seconds: 0 };

/** What saving fails with when the disk or the browser gives no room. */
const writing: ReadonlySet<string> = new Set(['storage.quota', 'runs.not_written', 'storage.failed']);
