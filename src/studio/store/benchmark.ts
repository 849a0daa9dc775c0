import { GraftError } from '../../base/lib/errors.ts';
import type { BenchmarkExtent } from '../../hosts/browser/protocol.ts';
import { noteOf } from './errorNote.ts';
import { busyWith, type SliceOf } from './state.ts';
import type { BenchmarkState, BenchmarkSlice } from './state/benchmark.ts';

/** Extents of a benchmark, the usual first. */
export const benchmarkExtents = ['full', 'quick'] as const satisfies readonly BenchmarkExtent[];

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
        // One that can no longer be stopped ends by itself, and reports its own outcome.
        await workers.engine.call.stopBenchmark().catch(() => null);
      },
      dismissBenchmarkError: () => patch({ error: null, status: restingStatus() }),
    };
  };
