import type { BenchmarkExtent, DeviceBenchmark, Progress } from '../../../hosts/browser/protocol.ts';
import type { ErrorNote } from '../errorNote.ts';

export interface BenchmarkState {
  status: 'idle' | 'running' | 'stopping' | 'done' | 'failed';
  extent: BenchmarkExtent;
  progress: Progress | null;
  /** The last completed benchmark. */
  result: DeviceBenchmark | null;
  error: ErrorNote | null;
}

export interface BenchmarkSlice {
  benchmark: BenchmarkState;
  chooseBenchmark(extent: BenchmarkExtent): void;
  /** Measures the device; does nothing while the engine is busy. */
  runBenchmark(): Promise<void>;
  /** Stops the current benchmark; the previous result stays. */
  stopBenchmark(): Promise<void>;
  dismissBenchmarkError(): void;
}
