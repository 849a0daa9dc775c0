import type { Kernel } from './kernel.ts';

/**
 * Milliseconds of GPU time that a submit is filled with. Windows resets a GPU after 2 s, and the screen stands still
 * for as long as a submit takes, so 100 ms are the most; measuring is rough.
 */
const FULL = 80;

/** What a dispatch of a kernel counts that was not measured yet: about a block of them fills a submit. */
const UNKNOWN = 2;

/** Times below this say more about JavaScript than about the GPU: they count together with the next. */
const SHORT = 2;

/** A measured submit changes what its kernels count at most by this factor. */
const MOST_CHANGE = 16;

/** What a submit has of a kernel, and what that counted when it was recorded. */
interface Share {
  groups: number;
  ms: number;
  /** Whether it was measured before. */
  known: boolean;
}

/**
 * Knows how long the GPU takes for what was recorded: each kernel counts by its workgroups, at the rate that earlier
 * submits took. The time of a submit is measured from when the queue came to it until it was done.
 */
export class SubmitBudget {
  #shares = new Map<Kernel, Share>();
  #recorded = 0;
  #waiting = 0;
  #lastDone = 0;
  /** Of submits that were done in no time. */
  #carried: Map<Kernel, Share>[] = [];
  #carriedMs = 0;
  #expected = 0;

  /** Whether recording so many workgroups of a kernel besides would take the GPU too long. */
  exceededBy(kernel: Kernel, groups: number): boolean {
    return this.#recorded > 0 && this.#recorded + estimate(kernel, groups) > FULL;
  }

  /** Whether a good place to submit should be used: the GPU has nothing to do, or enough is recorded. */
  get due(): boolean {
    return this.#waiting === 0 || this.#recorded > FULL / 2;
  }

  /** Counts a dispatch. */
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

  /** Says that what was counted is submitted; it is measured when the queue has passed it. */
  submitted(queue: GPUQueue): void {
    const [shares, expected] = [this.#shares, this.#recorded];
    this.#shares = new Map();
    this.#recorded = 0;
    this.#waiting += 1;
    const start = performance.now();
    queue.onSubmittedWorkDone().then(
      () => this.#done(shares, expected, start),
      // A lost device is told by whoever reads from it.
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
    if (this.#carriedMs < SHORT) return;
    const factor = Math.min(MOST_CHANGE, Math.max(1 / MOST_CHANGE, this.#carriedMs / this.#expected));
    for (const measured of this.#carried) {
      for (const [kernel, share] of measured) learn(kernel, share, factor);
    }
    this.#carried = [];
    [this.#carriedMs, this.#expected] = [0, 0];
  }
}

function estimate(kernel: Kernel, groups: number): number {
  return kernel.msPerGroup === null ? UNKNOWN : kernel.msPerGroup * groups;
}

/** What a kernel counts moves towards what the submit took; half the way, since it was not alone in it. */
function learn(kernel: Kernel, { groups, ms, known }: Share, factor: number): void {
  kernel.msPerGroup = (ms / groups) * (known ? Math.sqrt(factor) : factor);
}
