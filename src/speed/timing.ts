/** Seconds of one run, from several samples. */
export interface Timing {
  /** The median sample. */
  seconds: number;
  /** The quickest sample: what the GPU does when nothing else uses it. */
  best: number;
  samples: number;
}

/** How long and how often is measured. */
export interface TimingLimits {
  /** Seconds of a submit that holds nothing but a trifle, which every sample has on top. */
  overhead: number;
  /** A sample repeats the run within one submit until it takes this long, in seconds. */
  sample: number;
  /** Seconds after which no further sample begins. */
  budget: number;
  signal: AbortSignal;
}

const FEWEST = 3;
const MOST = 15;

/** Fewer samples will do where so many budgets have passed. */
const PATIENCE = 4;

/** So often at most within one submit, however short the run. */
const MOST_REPEATS = 4096;

/**
 * Seconds of one run, from submits of many. The first, in which drivers finish compiling, is dropped; then repeats are
 * doubled until a submit takes `sample` seconds, so that clocks of 0.1 ms and the cost of a submit hardly count, and
 * what a submit costs in any case is taken off. Throws what `secondsOf` throws, and the signal's reason.
 * @param secondsOf the seconds of a submit of so many runs
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
  while (seconds < sample && times < MOST_REPEATS) {
    signal.throwIfAborted();
    const wanted = times * Math.min(8, Math.max(2, sample / Math.max(seconds - overhead, sample / 8)));
    times = Math.min(MOST_REPEATS, Math.ceil(wanted));
    seconds = await secondsOf(times);
  }
  const one = (submit: number) => Math.max(submit - overhead, submit / 20) / times;
  const samples = [one(seconds)];
  while (samples.length < MOST) {
    signal.throwIfAborted();
    const passed = (performance.now() - start) / 1000;
    if (passed >= budget * (samples.length < FEWEST ? PATIENCE : 1)) break;
    samples.push(one(await secondsOf(times)));
  }
  return { seconds: median(samples), best: Math.min(...samples), samples: samples.length };
}

/** The middle of some numbers. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
