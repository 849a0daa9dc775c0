import type { Gpu } from '../gpu/device.ts';
import { GraftError, messageOf } from '../lib/errors.ts';
import { attentionCases } from './attentionCases.ts';
import { speedShapes, type Choice, type SpeedCase, type SpeedShapes } from './cases.ts';
import { ceilingMeasurements, measureCeilings, submitSeconds, type Ceilings } from './ceilings.ts';
import { Inputs } from './inputs.ts';
import { gemvCases, matmulCases } from './matmulCases.ts';
import { Repeater } from './repeater.ts';
import { largeStep, measureStep, quickStep, smallStep, type StepSpeed } from './stepSpeed.ts';
import { streamCases } from './streamCases.ts';
import { timeRuns, type TimingLimits } from './timing.ts';

/** How much is measured: a few kernels in seconds, or all of them in a minute or two. */
export type BenchmarkExtent = 'quick' | 'full';

/** What a kernel reached. */
export interface KernelSpeed extends Omit<SpeedCase, 'record' | 'choice'> {
  /** Which of several ways the engine takes, or null where there is one. */
  variant: Choice['variant'] | null;
  tuned: Choice['tuned'];
  /** Median and quickest seconds of one run, from many of them. */
  seconds: number;
  best: number;
  samples: number;
  flopsPerSecond: number | null;
  bytesPerSecond: number;
  /** Which ceiling is nearer: that of multiply-adds or that of memory. */
  bound: 'compute' | 'memory';
  /** Time the nearer ceiling would take, as a share of the median: above 1 where caches beat the copy. */
  shareOfCeiling: number;
}

/** The result of a benchmark: what *Copy as JSON* copies. */
export interface DeviceBenchmark {
  /** Of this form: it grows when a field changes its meaning. */
  version: 1;
  /** ISO 8601. */
  date: string;
  /** The browser’s user agent, or the version of Node. */
  environment: string;
  adapter: { description: string; hasF16: boolean; maxBindingBytes: number };
  extent: BenchmarkExtent;
  /** What kernels were measured at. */
  shapes: SpeedShapes;
  /** Seconds of a submit that holds nothing, which are left out of all others. */
  submitSeconds: number;
  ceilings: Ceilings;
  steps: StepSpeed[];
  kernels: KernelSpeed[];
}

/** What a benchmark has reached: the name of what is measured, and how many are done. */
export interface BenchmarkProgress {
  phase: string;
  done: number;
  total: number;
}

/** Operations a second from which on an adapter gets longer micro-batches and a larger model. */
const FAST = 3e11;
/** Below this, full shapes would take minutes. */
const SLOW = 3e9;

/** Sizes that an adapter of this speed measures in time. @param flopsPerSecond its ceiling of multiply-adds */
export function chooseShapes(extent: BenchmarkExtent, flopsPerSecond: number): SpeedShapes {
  if (extent === 'quick' || flopsPerSecond < SLOW) return { ...speedShapes.small, tokens: 128 };
  return { ...speedShapes.qwen, tokens: flopsPerSecond < FAST ? 128 : 512 };
}

/**
 * Measures a device: its ceilings, training steps, and every kernel of one. It should be a device of its own, on which
 * nothing runs and no shader was compiled. Throws `speed.stopped` when told to stop, `speed.device_failed`.
 * @param environment the browser or program, for the record
 */
export async function benchmarkDevice(
  gpu: Gpu,
  {
    extent,
    environment,
    signal,
    onProgress,
  }: {
    extent: BenchmarkExtent;
    environment: string;
    signal: AbortSignal;
    onProgress: (progress: BenchmarkProgress) => void;
  },
): Promise<DeviceBenchmark> {
  try {
    return await benchmark(gpu, extent, environment, signal, onProgress);
  } catch (error) {
    if (signal.aborted) throw new GraftError('speed.stopped');
    // Not under its own code: the device that failed is not that of the open model.
    throw new GraftError('speed.device_failed', { reason: messageOf(error) }, { cause: error });
  }
}

async function benchmark(
  gpu: Gpu,
  extent: BenchmarkExtent,
  environment: string,
  signal: AbortSignal,
  onProgress: (progress: BenchmarkProgress) => void,
): Promise<DeviceBenchmark> {
  const quick = extent === 'quick';
  const overhead = await submitSeconds(gpu, signal);
  const limits: TimingLimits = { overhead, sample: 0.02, budget: quick ? 0.2 : 0.4, signal };
  let done = 0;
  // Until the ceilings tell how many there will be, as many as an ordinary device has.
  let total = ceilingMeasurements + plan(chooseShapes(extent, FAST), quick).length + (quick ? 1 : 2);
  const begin = (phase: string) => onProgress({ phase, done, total });
  begin('ceilings');
  const ceilings = await measureCeilings(gpu, limits, () => {
    done += 1;
    begin('ceilings');
  });

  const { flopsPerSecond } = ceilings.multiplyAdd;
  const shapes = chooseShapes(extent, flopsPerSecond);
  const stepShapes = quick ? [quickStep] : flopsPerSecond < FAST ? [smallStep] : [smallStep, largeStep];
  const cases = plan(shapes, quick);
  total = ceilingMeasurements + stepShapes.length + cases.length;

  const steps: StepSpeed[] = [];
  for (const shape of stepShapes) {
    begin(shape.name);
    steps.push(await measureStep(gpu, shape, { budget: quick ? 1 : 4, signal }));
    done += 1;
  }
  const kernels: KernelSpeed[] = [];
  for (const one of cases) {
    begin([one.kernel, one.format].filter(Boolean).join(' '));
    kernels.push(await measureCase(gpu, one, ceilings, limits));
    done += 1;
  }
  begin('');
  return {
    version: 1,
    date: new Date().toISOString(),
    environment,
    adapter: { description: gpu.description, hasF16: gpu.hasF16, maxBindingBytes: gpu.maxBinding },
    extent,
    shapes,
    submitSeconds: overhead,
    ceilings,
    steps,
    kernels,
  };
}

function plan(shapes: SpeedShapes, quick: boolean): SpeedCase[] {
  return [
    ...matmulCases(shapes, quick),
    ...gemvCases(shapes, quick),
    ...attentionCases(shapes, quick),
    ...streamCases(shapes, quick),
  ];
}

/** Measures one kernel on tensors of its own. Throws what the device reports, and the signal's reason. */
export async function measureCase(
  gpu: Gpu,
  { record, choice, ...told }: SpeedCase,
  { multiplyAdd, copy }: Ceilings,
  limits: TimingLimits,
): Promise<KernelSpeed> {
  const inputs = new Inputs(gpu);
  const repeater = new Repeater(gpu);
  try {
    record(repeater, inputs);
    const { seconds, best, samples } = await timeRuns((times) => repeater.seconds(times), limits);
    const computing = (told.flops ?? 0) / multiplyAdd.flopsPerSecond;
    const moving = told.bytes / copy.bytesPerSecond;
    return {
      ...told,
      ...(choice?.(gpu) ?? { variant: null, tuned: false }),
      seconds,
      best,
      samples,
      flopsPerSecond: told.flops === null ? null : told.flops / seconds,
      bytesPerSecond: told.bytes / seconds,
      bound: computing > moving ? 'compute' : 'memory',
      shareOfCeiling: Math.max(computing, moving) / seconds,
    };
  } finally {
    repeater.dispose();
    inputs.dispose();
  }
}
