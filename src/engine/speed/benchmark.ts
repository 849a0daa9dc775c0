import type { Gpu } from '../gpu/device.ts';
import { GraftError, messageOf } from '../../base/lib/errors.ts';
import { ceilingMeasurements, measureCeilings, submitSeconds, type Ceilings } from './ceilings.ts';
import type { BenchmarkExtent, DeviceBenchmark } from './deviceBenchmark.ts';
import { measurementsFor, type Measurement } from './measurements.ts';
import type { TimingLimits } from './timing.ts';

/** Progress of a benchmark: what is being measured, and how many measurements are done. */
export interface BenchmarkProgress {
  phase: string;
  done: number;
  total: number;
}

/** FLOP/s of an average device, whose measurements are counted until the ceilings are known. */
const AVERAGE = 3e11;

/** What to measure, and how. */
export interface BenchmarkOptions {
  extent: BenchmarkExtent;
  /** The browser or program, for the record. */
  environment: string;
  /** Seconds that it may take: measurements that do not fit any more are left out, by name. */
  seconds?: number;
  signal: AbortSignal;
  onProgress: (progress: BenchmarkProgress) => void;
  /** Called with what is there after each measurement. */
  onMeasured?: (result: DeviceBenchmark) => void;
}

/** Seconds of a benchmark of all kernels, where nothing else is asked for. */
const FULL_SECONDS = 240;

/**
 * Measures a device: its ceilings, training steps, the kernels of a step, answers and transfers. It should be a separate
 * device that is otherwise idle and has not compiled any shaders. Throws `speed.stopped` when aborted,
 * `speed.device_failed`.
 */
export async function benchmarkDevice(gpu: Gpu, options: BenchmarkOptions): Promise<DeviceBenchmark> {
  try {
    return await benchmark(gpu, options);
  } catch (error) {
    if (options.signal.aborted) throw new GraftError('speed.stopped');
    // With an error code of its own: the failed device is not the open model's.
    throw new GraftError('speed.device_failed', { reason: messageOf(error) }, { cause: error });
  }
}

async function benchmark(
  gpu: Gpu,
  { extent, environment, seconds, signal, onProgress, onMeasured = () => undefined }: BenchmarkOptions,
): Promise<DeviceBenchmark> {
  const quick = extent === 'quick';
  const end = performance.now() + 1000 * (seconds ?? (quick ? Infinity : FULL_SECONDS));
  const overhead = await submitSeconds(gpu, signal);
  const limits: TimingLimits = {
    overhead,
    // Node asks the GPU once a millisecond whether it is done.
    sample: quick ? 0.02 : 0.05,
    budget: quick ? 0.2 : 0.4,
    signal,
  };
  let done = 0;
  // Until the ceilings determine the shapes, assumes those of an average device.
  let total = ceilingMeasurements + measurementsFor(extent, AVERAGE).measurements.length;
  const begin = (phase: string) => onProgress({ phase, done, total });
  begin('ceilings');
  const ceilings = await measureCeilings(gpu, limits, () => {
    done += 1;
    begin('ceilings');
  });
  const { shapes, measurements } = measurementsFor(extent, ceilings.multiplyAdd.flopsPerSecond);
  total = ceilingMeasurements + measurements.length;
  const result: DeviceBenchmark = {
    version: 2,
    date: new Date().toISOString(),
    environment,
    adapter: adapterOf(gpu),
    extent,
    submitSeconds: overhead,
    ceilings,
    shapes,
    kernels: [],
    steps: [],
    decoding: [],
    transfers: null,
    tests: null,
    peers: null,
    candidates: null,
    skipped: [],
    problems: [],
  };
  for (const one of measurements) {
    begin(one.name);
    const why = reasonToSkip(gpu, one, ceilings, (end - performance.now()) / 1000);
    if (why === null) await one.run({ gpu, limits, ceilings, result });
    else result.skipped.push(`${one.name}: ${why}`);
    done += 1;
    onMeasured(result);
  }
  begin('');
  return result;
}

function adapterOf(gpu: Gpu): DeviceBenchmark['adapter'] {
  const { features, adapterInfo } = gpu.device;
  return {
    description: gpu.description,
    hasF16: gpu.hasF16,
    maxBindingBytes: gpu.maxBinding,
    subgroupSizes: features.has('subgroups')
      ? [adapterInfo.subgroupMinSize, adapterInfo.subgroupMaxSize]
      : null,
    kernelKind: gpu.kernelKind,
  };
}

function reasonToSkip(
  { maxBinding }: Gpu,
  { expected, largest = 0 }: Measurement,
  ceilings: Ceilings,
  left: number,
): string | null {
  if (largest > maxBinding) return 'larger than a binding of this device';
  return expected(ceilings) > left ? 'no time left' : null;
}
