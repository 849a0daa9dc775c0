import { GraftError } from '../lib/errors.ts';
import type { BenchmarkExtent, DeviceBenchmark, Progress } from '../workers/protocol.ts';
import { noteOf, type ErrorNote } from './errorNote.ts';
import { busyWith, type SliceOf } from './state.ts';

/** How much a person can have measured, the usual first. */
export const benchmarkExtents = ['full', 'quick'] as const satisfies readonly BenchmarkExtent[];

export interface BenchmarkState {
  status: 'idle' | 'running' | 'stopping' | 'done' | 'failed';
  extent: BenchmarkExtent;
  progress: Progress | null;
  /** Of the last benchmark that came to its end. */
  result: DeviceBenchmark | null;
  error: ErrorNote | null;
}

export interface BenchmarkSlice {
  benchmark: BenchmarkState;
  chooseBenchmark(extent: BenchmarkExtent): void;
  /** Measures the device; nothing happens while the engine does something else. */
  runBenchmark(): Promise<void>;
  /** Ends the benchmark under way; the result of the one before stays. */
  stopBenchmark(): Promise<void>;
  dismissBenchmarkError(): void;
}

export const createBenchmarkSlice: SliceOf<BenchmarkSlice> =
  ({ workers }) =>
  (set, get) => {
    const patch = (changes: Partial<BenchmarkState>) =>
      set(({ benchmark }) => ({ benchmark: { ...benchmark, ...changes } }));
    const restingStatus = () => (get().benchmark.result ? 'done' : 'idle');

    return {
      benchmark: { status: 'idle', extent: 'full', progress: null, result: null, error: null },
      chooseBenchmark: (extent) => patch({ extent }),
      async runBenchmark() {
        if (busyWith(get())) return;
        patch({ status: 'running', progress: null, error: null });
        try {
          const result = await workers.engine.call.benchmark(get().benchmark.extent, (progress) =>
            patch({ progress }),
          );
          patch({ status: 'done', result });
          get().announce({ kind: 'benchmarkDone' });
        } catch (error) {
          const stopped = error instanceof GraftError && error.code === 'speed.stopped';
          patch(
            stopped ? { status: restingStatus(), error: null } : { status: 'failed', error: noteOf(error) },
          );
        }
      },
      async stopBenchmark() {
        if (get().benchmark.status !== 'running') return;
        patch({ status: 'stopping' });
        // One that can't be stopped any more ends by itself, and says how in its own place.
        await workers.engine.call.stopBenchmark().catch(() => null);
      },
      dismissBenchmarkError: () => patch({ error: null, status: restingStatus() }),
    };
  };
