import type { KernelKind } from '../gpu/kernelKind.ts';
import type { Choice, SpeedCase, SpeedShapes } from './cases.ts';
import type { Ceilings } from './ceilings.ts';
import type { DecodingSpeed } from './decodingSpeed.ts';
import type { StepSpeed } from './stepSpeed.ts';
import type { TransferSpeed } from './transferSpeed.ts';

/** How much to measure: a few kernels in seconds, or all of them in some minutes. */
export type BenchmarkExtent = 'quick' | 'full';

/** The measured speed of a kernel. */
export interface KernelSpeed extends Omit<SpeedCase, 'record' | 'choice' | 'largest'> {
  /** The name of the shapes that it belongs to. */
  of: string;
  /** Which variant the engine uses, or null if there is only one. */
  variant: Choice['variant'] | null;
  tuned: Choice['tuned'];
  /** Median and minimum seconds of one run. */
  seconds: number;
  best: number;
  samples: number;
  flopsPerSecond: number | null;
  bytesPerSecond: number;
  /** The ceiling that limits it: multiply-adds or memory bandwidth. */
  bound: 'compute' | 'memory';
  /** The ceiling's time as a fraction of the median: above 1 if caches beat the copy. */
  shareOfCeiling: number;
}

/** The kernel tests and golden runs on a device. */
export interface TestResults {
  passed: number;
  /** Tests that failed, with the first line of what they say. */
  failed: { test: string; message: string }[];
  /** Tests that need what this device lacks. */
  skipped: string[];
  /** What tests say of their errors. */
  notes: string[];
}

/** A product or a training step of another library, and Graft's, on the same device. */
export interface PeerSpeed {
  /** Such as “128 × 896 · 896 × 4864” or “training step”. */
  of: string;
  /** The library, or Graft with the form of its weights. */
  name: string;
  /** Median and minimum milliseconds. */
  median: number;
  min: number;
}

/** Every kernel that could compute a product, timed. */
export interface CandidateSpeed {
  product: string;
  variant: string;
  seconds: number;
  /** Whether its result equals the default's. */
  equal: boolean;
  /** Whether it is the device's default. */
  default: boolean;
}

/** The result of a benchmark: what *Copy as JSON* copies, and what the portable bench writes. */
export interface DeviceBenchmark {
  /** Version of this format: incremented when a field changes its meaning. */
  version: 2;
  /** ISO 8601. */
  date: string;
  /** The browser’s user agent, or Node, the system and its driver. */
  environment: string;
  adapter: {
    description: string;
    hasF16: boolean;
    maxBindingBytes: number;
    /** Threads of a subgroup, smallest and largest; null where shaders cannot use subgroups. */
    subgroupSizes: readonly [number, number] | null;
    /** Which kernels are taken. */
    kernelKind: KernelKind;
  };
  extent: BenchmarkExtent;
  /** Seconds of an empty submit, subtracted from all measurements of kernels. */
  submitSeconds: number;
  ceilings: Ceilings;
  /** The shapes that kernels were measured at. */
  shapes: SpeedShapes[];
  kernels: KernelSpeed[];
  steps: StepSpeed[];
  decoding: DecodingSpeed[];
  transfers: TransferSpeed | null;
  /** Only the portable bench has these; null elsewhere. */
  tests: TestResults | null;
  peers: PeerSpeed[] | null;
  candidates: CandidateSpeed[] | null;
  /** What was left out, by name: for want of time or of memory in one binding. */
  skipped: string[];
  /** What went wrong, by name; empty where nothing did. */
  problems: string[];
}
