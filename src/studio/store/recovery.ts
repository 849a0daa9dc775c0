import { GraftError } from '../../base/lib/errors.ts';
import { errorKind } from '../../base/lib/errorKind.ts';

/** Recoveries without a checkpoint in between, after which going on is pointless: about two minutes. */
const MAX_RECOVERIES = 10;
/** Waits before each recovery, doubling: browsers refuse devices for a while after a crash. */
const [FIRST_WAIT_MS, MAX_WAIT_MS] = [1000, 16_000];

/**
 * Runs `start`, and after each loss of the device or the worker `resume`, until one of them completes.
 * @param lost called after each loss; returns the step on disk, or null if nothing is stored to resume from
 * @param wait by default a timer
 */
export async function withRecovery<Outcome>(
  start: () => Promise<Outcome>,
  resume: () => Promise<Outcome>,
  lost: () => number | null,
  wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
): Promise<Outcome> {
  let attempts = 0;
  let lastStep = -1;
  for (let work = start; ; work = resume) {
    try {
      return await work();
    } catch (error) {
      const refused = work === resume && error instanceof GraftError && error.code === 'gpu.no_adapter';
      const step = errorKind(error) === 'recoverable' || refused ? lost() : null;
      if (step === null) throw error;
      attempts = step > lastStep ? 1 : attempts + 1;
      lastStep = step;
      if (attempts > MAX_RECOVERIES) throw error;
      await wait(Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** (attempts - 1)));
    }
  }
}
