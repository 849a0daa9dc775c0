/** Seconds of one run, from several samples. */
export interface Timing {
  /** The median sample. */
  seconds: number;
  /** The fastest sample: the time if nothing else uses the GPU. */
  best: number;
  samples: number;
}

/** How long and how often to measure. */
export interface TimingLimits {
  /** Seconds of an empty submit, included in every sample. */
  overhead: number;
  /** A sample repeats the run within one submit until it takes this many seconds. */
  sample: number;
  /** Seconds after which no further sample starts. */
  budget: number;
  signal: AbortSignal;
}

const FEWEST = 3;
const MAX_SAMPLES = 15;

/** After this many budgets, fewer samples are enough. */
const PATIENCE = 4;

/** Maximum number of runs in one submit, however short. */
const MAX_REPEATS = 4096;

/**
 * Seconds of one run, measured over submits of many. The first, in which drivers finish compiling, is dropped; then the
 * number of runs is doubled until a submit takes `sample` seconds, so that clocks of 0.1 ms and the cost of a submit
 * hardly matter, and the fixed cost is subtracted. Throws what `secondsOf` throws, and the signal's reason.
 * @param secondsOf the seconds of a submit of that many runs
 */
export async function timeRuns(
  secondsOf: (times: number) => Promise<number>,
  { overhead, sample, budget, signal }: TimingLimits,
): Promise<Timing> {
  signal.throwIfAborted();
  await secondsOf(1);
  const start = performance.now();
  let times = 1;
  let seconds = await secondsOf(times);
  while (seconds < sample && times < MAX_REPEATS) {
    signal.throwIfAborted();
    const wanted = times * Math.min(8, Math.max(2, sample / Math.max(seconds - overhead, sample / 8)));
    times = Math.min(MAX_REPEATS, Math.ceil(wanted));
    seconds = await secondsOf(times);
  }
  const one = (submit: number) => Math.max(submit - overhead, submit / 20) / times;
  const samples = [one(seconds)];
  while (samples.length < MAX_SAMPLES) {
    signal.throwIfAborted();
    const passed = (performance.now() - start) / 1000;
    if (passed >= budget * (samples.length < FEWEST ? PATIENCE : 1)) break;
    samples.push(one(await secondsOf(times)));
  }
  return { seconds: median(samples), best: Math.min(...samples), samples: samples.length };
}

/** The median, or the mean of the two middle values. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
