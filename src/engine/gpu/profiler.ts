import { GraftError } from '../../base/lib/errors.ts';
import type { GpuDevice } from './gpuDevice.ts';
import type { Profile, TimedDispatch } from '../../base/lib/profile.ts';

/** Dispatches per query set: WebGPU allows 4096 queries, and each dispatch takes two. */
const DISPATCHES = 2048;

const QUERY_RESOLVE_COPY_SRC = 0x200 | 0x04;
const MAP_READ_COPY_DST = 0x01 | 0x08;

/** What is known about a dispatch before it runs. */
type Dispatch = Omit<TimedDispatch, 'start' | 'ms'>;

/** Times dispatches with timestamp queries; see `Commands.profile`. */
export class Profiler {
  readonly #gpu: GpuDevice;
  readonly #sets: GPUQuerySet[] = [];
  readonly #dispatches: Dispatch[] = [];

  /** Throws `gpu.no_timestamps`. */
  constructor(gpu: GpuDevice) {
    if (!gpu.hasTimestamps) throw new GraftError('gpu.no_timestamps', { adapter: gpu.description });
    this.#gpu = gpu;
  }

  /** The timestamp writes for the pass of the next dispatch. */
  time(dispatch: Dispatch): GPUComputePassTimestampWrites {
    const index = 2 * (this.#dispatches.length % DISPATCHES);
    if (index === 0) {
      this.#sets.push(this.#gpu.device.createQuerySet({ type: 'timestamp', count: 2 * DISPATCHES }));
    }
    this.#dispatches.push(dispatch);
    return {
      querySet: this.#sets.at(-1)!,
      beginningOfPassWriteIndex: index,
      endOfPassWriteIndex: index + 1,
    };
  }

  /** Reads back the times of the submitted dispatches and frees the query sets. Throws if the device failed. */
  async finish(): Promise<Profile> {
    const { memory, device } = this.#gpu;
    const bytes = 16 * DISPATCHES;
    const resolved = memory.buffer(bytes, 'profile', 'other', QUERY_RESOLVE_COPY_SRC);
    const staging = memory.buffer(bytes, 'profile', 'other', MAP_READ_COPY_DST);
    const times: bigint[] = [];
    try {
      for (const set of this.#sets) {
        const count = Math.min(2 * DISPATCHES, 2 * this.#dispatches.length - times.length);
        const encoder = device.createCommandEncoder();
        encoder.resolveQuerySet(set, 0, count, resolved, 0);
        encoder.copyBufferToBuffer(resolved, 0, staging, 0, 8 * count);
        device.queue.submit([encoder.finish()]);
        await staging.mapAsync(0x01, 0, 8 * count);
        for (const time of new BigUint64Array(staging.getMappedRange(0, 8 * count))) times.push(time);
        staging.unmap();
        this.#gpu.throwIfFailed();
      }
    } finally {
      for (const set of this.#sets) set.destroy();
      memory.free(resolved);
      memory.free(staging);
    }
    return profileOf(this.#gpu.description, this.#dispatches, times);
  }
}

/** @param times begin and end of each dispatch in nanoseconds */
function profileOf(adapter: string, dispatches: readonly Dispatch[], times: readonly bigint[]): Profile {
  const first = times.reduce((a, b) => (b < a ? b : a), times[0] ?? 0n);
  const milliseconds = (from: bigint, to: bigint) => Number(to - from) / 1e6;
  const timed = dispatches.map((dispatch, i) => {
    const [begin, end] = [times[2 * i]!, times[2 * i + 1]!];
    return { ...dispatch, start: milliseconds(first, begin), ms: Math.max(0, milliseconds(begin, end)) };
  });
  return { adapter, dispatches: timed, ms: timed.reduce((last, d) => Math.max(last, d.start + d.ms), 0) };
}
