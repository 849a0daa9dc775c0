import { GraftError, type ErrorCode } from '../lib/errors.ts';

/** What ends a worker or its device, and not a run: it goes on from its last checkpoint with others. */
const passing: ReadonlySet<ErrorCode> = new Set(['gpu.device_lost', 'workers.crashed']);
/** Recoveries without a checkpoint in between, after which going on is pointless: about two minutes. */
const MOST_RECOVERIES = 10;
/** Waits before each: twice as long each time. Browsers refuse devices for a while after a crash. */
const [FIRST_WAIT_MS, LONGEST_WAIT_MS] = [1000, 16_000];

/** Whether a stored run goes on after an error. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof GraftError)) return false;
  // Another call found the device lost and had the worker ended, under this one.
  return passing.has(error.code) || (error.code === 'workers.restarted' && isPassing(error.cause));
}

/**
 * Does `start`, and after each loss of the device or the worker `resume`, until one of them comes to an end.
 * @param lost hears of each loss; the step that is on disk by then, or null where nothing is stored to go on with
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
      const step = isPassing(error) || refused ? lost() : null;
      if (step === null) throw error;
      attempts = step > lastStep ? 1 : attempts + 1;
      lastStep = step;
      if (attempts > MOST_RECOVERIES) throw error;
      await wait(Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (attempts - 1)));
    }
  }
}
