/** Milliseconds of repeated runs. */
export interface Times {
  median: number;
  min: number;
}

/**
 * Times what takes turns, so that whatever else the machine does hits all alike; the first round is dropped.
 * @param runs by name, each until its result is there
 */
export async function interleave(
  runs: ReadonlyMap<string, () => Promise<void>>,
  rounds: number,
): Promise<Map<string, Times>> {
  const times = new Map([...runs.keys()].map((name) => [name, [] as number[]]));
  for (let round = 0; round <= rounds; round++) {
    for (const [name, run] of runs) {
      const start = performance.now();
      await run();
      if (round > 0) times.get(name)!.push(performance.now() - start);
    }
  }
  return new Map(
    [...times].map(([name, values]) => [name, { median: medianOf(values), min: Math.min(...values) }]),
  );
}

/** The middle value; of an even number of them, the mean of the two in the middle. */
export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The geometric mean. */
export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}
