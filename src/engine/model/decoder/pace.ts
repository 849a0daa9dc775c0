import type { Gpu } from '../../gpu/device.ts';

/** Number of steps (blocks of micro-batches) that may be queued. */
export const STEPS_AHEAD = 2;

/** Submits at most a few steps ahead of the GPU, which limits the memory of their uploads. */
export class Pace {
  readonly #gpu: Gpu;
  readonly #ahead: number;
  readonly #marks: Promise<unknown>[] = [];

  /** @param ahead number of steps that may be queued */
  constructor(gpu: Gpu, ahead: number) {
    this.#gpu = gpu;
    this.#ahead = ahead;
  }

  /** Ends a step whose commands are submitted; resolves when few enough are queued. */
  async step(): Promise<void> {
    if (this.#gpu.dry) return;
    const done = this.#gpu.device.queue.onSubmittedWorkDone();
    // A lost device is reported by whoever reads from it.
    this.#marks.push(done.catch(() => undefined));
    if (this.#marks.length > this.#ahead) await this.#marks.shift();
  }
}
