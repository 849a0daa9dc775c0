import type { Gpu } from '../gpu/device.ts';

/** Steps that may wait in the queue: blocks of micro-batches. */
export const STEPS_AHEAD = 2;

/**
 * Keeps submits a few steps ahead of the GPU, no more: so what is uploaded for them stays small.
 */
export class Pace {
  readonly #gpu: Gpu;
  readonly #ahead: number;
  readonly #marks: Promise<unknown>[] = [];

  /** @param ahead steps that may wait in the queue */
  constructor(gpu: Gpu, ahead: number) {
    this.#gpu = gpu;
    this.#ahead = ahead;
  }

  /** Ends a step, whose commands are submitted; resolves when few enough are left. */
  async step(): Promise<void> {
    if (this.#gpu.dry) return;
    const done = this.#gpu.device.queue.onSubmittedWorkDone();
    // A lost device is told by whoever reads from it.
    this.#marks.push(done.catch(() => undefined));
    if (this.#marks.length > this.#ahead) await this.#marks.shift();
  }
}
