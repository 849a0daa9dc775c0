import type { Clock } from './clock.ts';

/** Progress of a download. */
export interface DownloadProgress {
  /** The file that last received bytes. */
  file: string;
  bytesDone: number;
  bytesTotal: number;
  /** Over the last seconds; null if there are no measurements yet. */
  bytesPerSecond: number | null;
  /** At that speed; null if unknown. */
  secondsLeft: number | null;
}

const WINDOW_MS = 10_000;

/** Counts bytes as they arrive, and computes the speed over the last ten seconds. */
export class ProgressMeter {
  readonly #clock: Clock;
  readonly #total: number;
  #done = 0;
  /** Times and byte counts, the oldest first. */
  #samples: [time: number, done: number][] = [];

  constructor(clock: Clock, total: number) {
    this.#clock = clock;
    this.#total = total;
  }

  /** Adds bytes that were on disk before and don't count for the speed. */
  addExisting(bytes: number): void {
    this.#done += bytes;
    this.#samples = [];
  }

  add(bytes: number): void {
    const now = this.#clock.now();
    if (this.#samples.length === 0) this.#samples.push([now, this.#done]);
    this.#done += bytes;
    this.#samples.push([now, this.#done]);
    while (this.#samples.length > 2 && now - this.#samples[1]![0] > WINDOW_MS) this.#samples.shift();
  }

  progress(file: string): DownloadProgress {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    const ms = first && last ? last[0] - first[0] : 0;
    const bytesPerSecond = ms > 0 ? ((last![1] - first![1]) / ms) * 1000 : null;
    const left = this.#total - this.#done;
    const secondsLeft = left === 0 ? 0 : bytesPerSecond ? left / bytesPerSecond : null;
    return { file, bytesDone: this.#done, bytesTotal: this.#total, bytesPerSecond, secondsLeft };
  }
}
