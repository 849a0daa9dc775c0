import type { Gpu } from '../gpu/device.ts';
import type { SpeedCase } from './cases.ts';
import type { Ceilings } from './ceilings.ts';
import type { KernelSpeed } from './deviceBenchmark.ts';
import { Inputs } from './inputs.ts';
import { Repeater } from './repeater.ts';
import { timeRuns, type TimingLimits } from './timing.ts';

/** Measures one kernel on its own tensors. Throws what the device reports, and the signal's reason. */
export async function measureCase(
  gpu: Gpu,
  of: string,
  { record, choice, largest: _, ...measured }: SpeedCase,
  { multiplyAdd, copy }: Ceilings,
  limits: TimingLimits,
): Promise<KernelSpeed> {
  const inputs = new Inputs(gpu);
  const repeater = new Repeater(gpu);
  try {
    record(repeater, inputs);
    const { seconds, best, samples } = await timeRuns((times) => repeater.seconds(times), limits);
    const computing = (measured.flops ?? 0) / multiplyAdd.flopsPerSecond;
    const moving = measured.bytes / copy.bytesPerSecond;
    return {
      ...measured,
      of,
      ...(choice?.(gpu) ?? { variant: null, tuned: false }),
      seconds,
      best,
      samples,
      flopsPerSecond: measured.flops === null ? null : measured.flops / seconds,
      bytesPerSecond: measured.bytes / seconds,
      bound: computing > moving ? 'compute' : 'memory',
      shareOfCeiling: Math.max(computing, moving) / seconds,
    };
  } finally {
    repeater.dispose();
    inputs.dispose();
  }
}
