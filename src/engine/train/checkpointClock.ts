/** A checkpoint takes at most this share of the time. */
const MAX_SHARE = 1 / 20;

/** How often a run is saved. */
export interface CheckpointRhythm {
  /** Seconds between checkpoints. They come less often where saving one takes more than a twentieth of that. */
  seconds: number;
  /** Optimizer steps between checkpoints, besides; 0 for none. */
  steps: number;
}

/** Says when a checkpoint is due: by time, since a run may end at any moment and steps take what they take. */
export class CheckpointClock {
  readonly #rhythm: CheckpointRhythm;
  /** The last that was due, and the last of all. */
  #last: number;
  #lastOfAll: number;
  #cost = 0;

  /** @param now milliseconds of a clock that never goes back */
  constructor(rhythm: CheckpointRhythm, now: number) {
    this.#rhythm = rhythm;
    this.#last = now;
    this.#lastOfAll = now;
  }

  /** Whether step `step`, just done, should be saved. */
  due(step: number, now: number): boolean {
    const { seconds, steps } = this.#rhythm;
    if (steps > 0 && step % steps === 0) return true;
    return now - this.#last >= Math.max(1000 * seconds, this.#cost / MAX_SHARE);
  }

  /** Whether one more takes no larger share of the time than a checkpoint may. */
  affordable(now: number): boolean {
    return now - this.#lastOfAll >= this.#cost / MAX_SHARE;
  }

  /** Says that a checkpoint was saved, in its turn (`due`) or besides. */
  saved(began: number, now: number, due: boolean): void {
    this.#cost = now - began;
    this.#lastOfAll = now;
    if (due) this.#last = now;
  }
}
