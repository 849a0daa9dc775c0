import type { Gpu } from '../gpu/device.ts';
import { upload } from '../gpu/transfer.ts';
import { flatGroups } from '../kernels/grid.ts';
import { Repeater } from './repeater.ts';
import { median, timeRuns, type TimingLimits } from './timing.ts';

/** The peak performance of an adapter, measured by kernels that do nothing else. */
export interface Ceilings {
  /** Multiply-adds in registers, each counted as two operations: the best of several variants. */
  multiplyAdd: { flopsPerSecond: number; variant: string };
  /** A copy between buffers by a kernel, counting bytes read and written. */
  copy: { bytesPerSecond: number };
  /** The same with copyBufferToBuffer, for comparison. */
  bufferCopy: { bytesPerSecond: number };
}

const WG = 64;
const STEPS = 8;

/** The size of a dispatch: some milliseconds on a slow adapter, too short to measure on a fast one. */
interface Size {
  groups: number;
  rounds: number;
}
const MIN_SIZE: Size = { groups: 256, rounds: 8 };
/** Workgroups that occupy all cores of a large GPU; beyond this, rounds grow. */
const MAX_GROUPS = 4096;
/** Seconds of a dispatch for which the cost of starting and ending it is negligible. */
const LONG = 2e-3;

/** Variants of multiply-adds: element type, chains per thread, and whether as `fma` or as product and sum. */
const variants = [
  { type: 'f32', width: 1, chains: 16, fused: false },
  { type: 'vec4<f32>', width: 4, chains: 4, fused: false },
  { type: 'vec4<f32>', width: 4, chains: 4, fused: true },
  { type: 'vec4<f32>', width: 4, chains: 8, fused: false },
] as const;

/** Bytes of the copied buffer: more than caches hold, and half of what every adapter can bind. */
const COPY_BYTES = 64 * 2 ** 20;
const COPY_WG = 256;
/** Copies of 16 bytes per invocation: some adapters prefer few, others many. */
const COPY_EACH = [1, 4];

/** Seconds of a submit with one empty dispatch. */
export async function submitSeconds(gpu: Gpu, signal: AbortSignal): Promise<number> {
  const source = gpu.memory.tensor('f32', [4], 'nothing');
  const copied = gpu.memory.tensor('f32', [4], 'nothing');
  const repeater = new Repeater(gpu);
  try {
    repeater.run('bench_copy', { WG: COPY_WG, EACH: 1 }, { source, copied }, { count: 1 }, [1]);
    await repeater.seconds(1);
    const samples: number[] = [];
    for (let i = 0; i < 11; i++) {
      signal.throwIfAborted();
      samples.push(await repeater.seconds(1));
    }
    return median(samples);
  } finally {
    repeater.dispose();
    for (const tensor of [source, copied]) gpu.memory.free(tensor);
  }
}

/**
 * Measures the adapter's ceilings. Throws what the device reports, and the signal's reason.
 * @param onDone called after each measurement
 */
export async function measureCeilings(gpu: Gpu, limits: TimingLimits, onDone: () => void): Promise<Ceilings> {
  const multiplyAdd = { flopsPerSecond: 0, variant: '' };
  const sums = gpu.memory.tensor('f32', [MAX_GROUPS * WG], 'sums');
  let size: Size | null = null;
  try {
    for (const { type, width, chains, fused } of variants) {
      const constants = { T: type, SCALAR: width === 1, CHAINS: chains, STEPS, WG, FUSED: fused };
      const secondsOf = async ({ groups, rounds }: Size, own: TimingLimits): Promise<number> => {
        const repeater = new Repeater(gpu);
        const params = { rounds, factor: 0.5, term: 1 };
        repeater.run('bench_multiply_add', constants, { sums }, params, flatGroups(groups));
        const { best } = await timeRuns((times) => repeater.seconds(times), own);
        repeater.dispose();
        return best;
      };
      size ??= enlarged(await secondsOf(MIN_SIZE, { ...limits, budget: 0 }));
      const best = await secondsOf(size, limits);
      const flopsPerSecond = (2 * size.groups * WG * size.rounds * STEPS * width * chains) / best;
      if (flopsPerSecond > multiplyAdd.flopsPerSecond) {
        const variant = `${type} x ${chains}${fused ? ', fma' : ''}`;
        Object.assign(multiplyAdd, { flopsPerSecond, variant });
      }
      onDone();
    }
  } finally {
    gpu.memory.free(sums);
  }
  const copies = await copySpeeds(gpu, limits);
  onDone();
  return { multiplyAdd, ...copies };
}

/** A dispatch that takes long enough, on an adapter that takes `seconds` for the smallest. */
function enlarged(seconds: number): Size {
  const factor = Math.min(1 << 16, Math.max(1, Math.ceil(LONG / seconds)));
  const wider = Math.min(factor, MAX_GROUPS / MIN_SIZE.groups);
  return { groups: MIN_SIZE.groups * wider, rounds: MIN_SIZE.rounds * Math.ceil(factor / wider) };
}

/** Number of measurements in `measureCeilings`. */
export const ceilingMeasurements = variants.length + 1;

async function copySpeeds(gpu: Gpu, limits: TimingLimits): Promise<Pick<Ceilings, 'copy' | 'bufferCopy'>> {
  const bytes = Math.min(COPY_BYTES, gpu.maxBinding);
  const source = gpu.memory.tensor('f32', [bytes / 4], 'source');
  const copied = gpu.memory.tensor('f32', [bytes / 4], 'copied');
  try {
    // Drivers map untouched pages to a single page of zeros.
    upload(gpu, source, new Float32Array(bytes / 4).fill(1));
    const kernels = COPY_EACH.map((each) => {
      const kernel = new Repeater(gpu);
      const count = bytes / 16;
      const groups = flatGroups(Math.ceil(count / (COPY_WG * each)));
      kernel.run('bench_copy', { WG: COPY_WG, EACH: each }, { source, copied }, { count }, groups);
      return kernel;
    });
    const command = new Repeater(gpu);
    command.copy(source, copied);
    const speeds: number[] = [];
    for (const repeater of [...kernels, command]) {
      const { best } = await timeRuns((times) => repeater.seconds(times), limits);
      repeater.dispose();
      speeds.push((2 * bytes) / best);
    }
    const bufferCopy = speeds.pop()!;
    return { copy: { bytesPerSecond: Math.max(...speeds) }, bufferCopy: { bytesPerSecond: bufferCopy } };
  } finally {
    for (const tensor of [source, copied]) gpu.memory.free(tensor);
  }
}
