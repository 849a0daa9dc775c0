import { GraftError } from '../../base/lib/errors.ts';
import type { SweepRun } from '../../content/runs/sweep.ts';
import type { StoredSweep } from '../../content/runs/sweepStore.ts';
import type { TrainOptions } from '../trainJob.ts';
import type { NextRun } from './halving.ts';
import type { SweepOptions } from './sweepJob.ts';

/** A run of a sweep as it trains: ended at its rung, and with what it reports noted. */
export class RunOfSweep {
  readonly losses: Map<number, number>;
  /** Optimizer steps done, saved or not. */
  steps: number;
  readonly options: TrainOptions;
  readonly #ending = new AbortController();
  readonly #outer: AbortSignal | undefined;
  readonly #pause = (): void => this.#ending.abort('pause');
  #writing: Promise<void> = Promise.resolve();
  #takenOver: string | null = null;
  readonly #stored: StoredSweep;
  readonly #index: number;

  constructor(
    stored: StoredSweep,
    { index, until }: NextRun,
    losses: Map<number, number>,
    { onEvent, onSweep, signal, ...more }: SweepOptions,
  ) {
    this.#stored = stored;
    this.#index = index;
    this.losses = losses;
    this.steps = stored.sweep.runs[index]!.steps;
    this.#outer = signal;
    if (signal?.aborted) this.#pause();
    signal?.addEventListener('abort', this.#pause);
    this.options = {
      ...more,
      signal: this.#ending.signal,
      // Runs are compared there, whatever their schedules.
      ...(until !== null && { evaluateAfter: until }),
      onEvent: (event) => {
        if (event.kind === 'stored') this.#note({ id: event.id });
        if (event.kind === 'eval' && event.step > 0) losses.set(event.step, event.loss);
        if (event.kind === 'checkpoint') this.#note({ steps: event.step });
        // What is not saved any more would be judged and lost.
        if (event.kind === 'takenOver') {
          this.#takenOver = stored.sweep.runs[index]!.name;
          this.#ending.abort('stop');
        }
        if (event.kind === 'step') this.steps = event.step;
        if (event.kind === 'step' && until !== null && event.step >= until) this.#pause();
        onEvent?.(event, index);
        if (event.kind === 'stored' || event.kind === 'checkpoint') onSweep?.(stored.sweep, index);
      },
    };
  }

  /** Resolves when all that was noted is on disk. Throws what writing throws, and `runs.taken_over`. */
  async noted(): Promise<void> {
    await this.#writing;
    if (this.#takenOver !== null) throw new GraftError('runs.taken_over', { run: this.#takenOver });
  }

  dispose(): void {
    this.#outer?.removeEventListener('abort', this.#pause);
  }

  #note(change: Partial<SweepRun>): void {
    const writing = this.#stored.change(this.#index, change);
    this.#writing = this.#writing.then(() => writing);
    // It is thrown by `noted`.
    this.#writing.catch(() => undefined);
  }
}
