import type { Kernel } from './kernel.ts';

/**
 * Target GPU time of a submit in milliseconds. Windows resets a GPU after 2 s, and the screen freezes while a submit
 * runs, so 100 ms is the limit; estimates are rough.
 */
const BUDGET_MS = 80;

/** Estimate in milliseconds for a dispatch of an unmeasured kernel: about one block fills a submit. */
const UNMEASURED_MS = 2;

/** Shorter times in milliseconds are dominated by JavaScript: they are added to the next. */
const SHORT_MS = 2;

/** Limits how much one measurement changes the estimates. */
const MAX_FACTOR = 16;

/** A kernel's part of a submit: its workgroups, and the estimate when they were recorded. */
interface Share {
  groups: number;
  ms: number;
  /** Whether the kernel had been measured before. */
  known: boolean;
}

/**
 * Estimates the GPU time of recorded commands: each kernel's workgroups at the rate of earlier submits. A submit is
 * timed from when the queue reached it until it was done.
 */
export class SubmitBudget {
  #shares = new Map<Kernel, Share>();
  #recorded = 0;
  #waiting = 0;
  #lastDone = 0;
  /** Of submits that were too short to measure. */
  #carried: Map<Kernel, Share>[] = [];
  #carriedMs = 0;
  #expected = 0;

  /** Whether recording another `groups` workgroups of a kernel would exceed the budget. */
  exceededBy(kernel: Kernel, groups: number): boolean {
    return this.#recorded > 0 && this.#recorded + estimate(kernel, groups) > BUDGET_MS;
  }

  /** Whether to submit at the next good point: the GPU is idle, or enough is recorded. */
  get due(): boolean {
    return this.#waiting === 0 || this.#recorded > BUDGET_MS / 2;
  }

  /** Adds a dispatch to the estimate. */
  add(kernel: Kernel, groups: number): void {
    const ms = estimate(kernel, groups);
    const share = this.#shares.get(kernel);
    if (share) {
      share.groups += groups;
      share.ms += ms;
    } else {
      this.#shares.set(kernel, { groups, ms, known: kernel.msPerGroup !== null });
    }
    this.#recorded += ms;
  }

  /** Call after submitting; the time is measured when the queue is done with it. */
  submitted(queue: GPUQueue): void {
    const [shares, expected] = [this.#shares, this.#recorded];
    this.#shares = new Map();
    this.#recorded = 0;
    this.#waiting += 1;
    const start = performance.now();
    queue.onSubmittedWorkDone().then(
      () => this.#done(shares, expected, start),
      // A lost device is reported by whoever reads from it.
      () => undefined,
    );
  }

  #done(shares: Map<Kernel, Share>, expected: number, start: number): void {
    this.#waiting -= 1;
    const now = performance.now();
    const ms = now - Math.max(start, this.#lastDone);
    this.#lastDone = now;
    this.#carried.push(shares);
    this.#carriedMs += ms;
    this.#expected += expected;
    if (this.#carriedMs < SHORT_MS) return;
    const factor = Math.min(MAX_FACTOR, Math.max(1 / MAX_FACTOR, this.#carriedMs / this.#expected));
    for (const measured of this.#carried) {
      for (const [kernel, share] of measured) learn(kernel, share, factor);
    }
    this.#carried = [];
    [this.#carriedMs, this.#expected] = [0, 0];
  }
}

function estimate(kernel: Kernel, groups: number): number {
  return kernel.msPerGroup === null ? UNMEASURED_MS : kernel.msPerGroup * groups;
}

/** Moves a kernel's rate towards the measured time; by the square root, since it was not alone in the submit. */
function learn(kernel: Kernel, { groups, ms, known }: Share, factor: number): void {
  kernel.msPerGroup = (ms / groups) * (known ? Math.sqrt(factor) : factor);
}
