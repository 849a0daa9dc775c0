import { median } from '../../engine/speed/timing.ts';

/** What is measured at one moment of a soak. */
export interface Sample {
  /** Minutes since its start. */
  minute: number;
  /** Between which reloads it lies, from 0. */
  period: number;
  /** Steps trained so far, those repeated after a reload included. */
  steps: number;
  pageBytes: number;
  gpuBytes: number;
  /** Processor time of the process that holds the GPU, in seconds since it began. */
  gpuSeconds: number;
}

/** The figures of the time between two reloads. */
export interface Period {
  minutes: number;
  steps: number;
  /** Wall-clock time of a step, in ms. */
  stepMs: number;
  /** Processor time of a step on the software adapter, in ms: other work on the machine hardly changes it. */
  processorMs: number;
  pageMB: number;
  gpuMB: number;
}

/** The largest deviation from the median that counts as flat. */
export const FLAT = 0.05;

/** The periods of a soak: differences between the first and last sample of each, and medians of memory. */
export function periodsOf(samples: readonly Sample[]): Period[] {
  const periods = [...new Set(samples.map(({ period }) => period))];
  return periods.flatMap((period) => {
    const own = samples.filter((sample) => sample.period === period);
    const [first, last] = [own[0]!, own.at(-1)!];
    const steps = last.steps - first.steps;
    if (steps <= 0) return [];
    return {
      minutes: last.minute - first.minute,
      steps,
      stepMs: ((last.minute - first.minute) * 60_000) / steps,
      processorMs: ((last.gpuSeconds - first.gpuSeconds) * 1000) / steps,
      pageMB: median(own.map(({ pageBytes }) => pageBytes)) / 1e6,
      gpuMB: median(own.map(({ gpuBytes }) => gpuBytes)) / 1e6,
    };
  });
}

/** The largest relative deviation of values from their median. */
export function deviation(values: readonly number[]): number {
  const middle = median(values);
  return Math.max(...values.map((value) => Math.abs(value / middle - 1)));
}
