import type { Gpu } from '../gpu/device.ts';

/** Steps that may wait in the queue: a block of a micro-batch, or a part of the head. */
export const STEPS_AHEAD = 2;

/**
 * Keeps submits a few steps ahead of the GPU, no more: copies of weights on their way are then taken up between them,
 * and what waits in the queue stays small.
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
