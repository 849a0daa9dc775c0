import type { BenchmarkExtent, DeviceBenchmark } from '../../../engine/speed/deviceBenchmark.ts';

/**
 * The parts of the portable bench in their order, each in a process of its own, so that a driver that ends one leaves the
 * others; and their shares of the time. What a part leaves of its share goes to those after it.
 */
export const parts = {
  'kernel-tests': { share: 80 },
  golden: { share: 40 },
  device: { share: 150 },
  peers: { share: 45 },
  candidates: { share: 25 },
  'engine-tests': { share: 20 },
} as const;

export type PartName = keyof typeof parts;

export function isPart(name: string): name is PartName {
  return Object.hasOwn(parts, name);
}

/** What a part is asked. */
export interface PartQuestion {
  name: PartName;
  extent: BenchmarkExtent;
  /** Seconds after which it begins nothing more. */
  seconds: number;
  /** A file for its state, which is written again and again. */
  file: string;
}

/** What a part has found so far. */
export interface PartState {
  /** What it is doing: if the process ends here, this ended it. */
  doing: string;
  result: Partial<DeviceBenchmark>;
}
