import { median } from '../../../engine/speed/timing.ts';

/** Milliseconds of repeated runs. */
export interface Times {
  median: number;
  min: number;
  /**
   * Minimum CPU time, all cores together: on a software adapter it measures a kernel's work whatever else the machine
   * does. Null if unavailable.
   */
  work: number | null;
}

/** Lets a page query the CPU time of its browser's processes. */
declare global {
  var processorTime: (() => Promise<number>) | undefined;
}

/** CPU milliseconds used so far by this process, or by the browser; null if unavailable. */
async function timeUsed(): Promise<number | null> {
  if (globalThis.processorTime) return globalThis.processorTime();
  if (typeof process === 'undefined') return null;
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/**
 * Times the runs in turn, so that other load on the machine affects all alike; the first round is dropped.
 * @param runs by name; each resolves when its result is available
 */
export async function interleave(
  runs: ReadonlyMap<string, () => Promise<void>>,
  rounds: number,
): Promise<Map<string, Times>> {
  const times = new Map(
    [...runs.keys()].map((name) => [name, [] as { clock: number; work: number | null }[]]),
  );
  for (let round = 0; round <= rounds; round++) {
    for (const [name, run] of runs) {
      const used = await timeUsed();
      const start = performance.now();
      await run();
      const clock = performance.now() - start;
      if (round > 0)
        times.get(name)!.push({ clock, work: used === null ? null : (await timeUsed())! - used });
    }
  }
  return new Map(
    [...times].map(([name, samples]) => {
      const clocks = samples.map(({ clock }) => clock);
      const works = samples.flatMap(({ work }) => work ?? []);
      const work = works.length > 0 ? Math.min(...works) : null;
      return [name, { median: median(clocks), min: Math.min(...clocks), work }];
    }),
  );
}

/** The geometric mean. */
export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}
