import type { Clock } from './clock.ts';

/** How far a download is. */
export interface DownloadProgress {
  /** The file that bytes came for last. */
  file: string;
  bytesDone: number;
  bytesTotal: number;
  /** Over the last seconds; null before there is anything to go by. */
  bytesPerSecond: number | null;
  /** At that speed; null when it is not known. */
  secondsLeft: number | null;
}

const WINDOW_MS = 10_000;

/** Counts bytes as they come, and knows the speed of the last ten seconds. */
export class ProgressMeter {
  readonly #clock: Clock;
  readonly #total: number;
  #done = 0;
  /** Times and bytes done then, the oldest first. */
  #samples: [time: number, done: number][] = [];

  constructor(clock: Clock, total: number) {
    this.#clock = clock;
    this.#total = total;
  }

  /** Takes bytes that were there before: they say nothing of the speed. */
  addKept(bytes: number): void {
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
