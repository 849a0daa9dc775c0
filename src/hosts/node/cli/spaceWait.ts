import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../../base/lib/errors.ts';
import { log } from './terminal.ts';

/** Milliseconds to the first try, doubled before each of the next up to the longest. */
const [FIRST_MS, LONGEST_MS] = [1000, 60_000];

/**
 * Waits on a disk that cannot be written, usually for want of room, and tries again: less and less often, and no longer
 * than `seconds`. What happens is logged once, not with every try.
 */
export class SpaceWait {
  readonly #seconds: number;
  /** When the first try failed, and how many have failed since; null while all is well. */
  #outage: { since: number; tries: number } | null = null;
  #gaveUp = false;

  constructor(seconds: number) {
    this.#seconds = seconds;
  }

  /**
   * Waits before another try. Once given up, nothing is waited for until something is `written`.
   * @param what that was not written
   * @param signal ends the wait
   * @returns whether to try again
   */
  async tryAgain(what: string, error: unknown, signal: AbortSignal | null): Promise<boolean> {
    if (this.#gaveUp) return false;
    const now = performance.now();
    if (!this.#outage) {
      this.#outage = { since: now, tries: 0 };
      log(`${what} was not written: ${messageOf(error)}`);
      if (this.#seconds > 0 && !signal?.aborted)
        log(`Waiting up to ${this.#seconds} s for space, and trying again.`);
    }
    const left = this.#outage.since + 1000 * this.#seconds - now;
    this.#gaveUp = left <= 0 || (signal?.aborted ?? false);
    if (this.#gaveUp) return false;
    const pause = Math.min(FIRST_MS * 2 ** this.#outage.tries, LONGEST_MS, left);
    this.#outage.tries += 1;
    await sleep(pause, undefined, signal ? { signal } : {}).catch(() => undefined);
    this.#gaveUp = signal?.aborted ?? false;
    return !this.#gaveUp;
  }

  /** Something was written. @returns whether that was not possible before */
  written(): boolean {
    const after = this.#outage !== null;
    this.#outage = null;
    this.#gaveUp = false;
    return after;
  }
}
