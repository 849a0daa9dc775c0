import type { KernelChoices } from './choices.ts';
import type { KernelCache } from './kernel.ts';
import type { KernelKind } from './kernelKind.ts';
import type { GpuMemory } from './memory.ts';

/** The one owner of the device: memory, kernels and the errors it met. */
export interface GpuDevice {
  readonly device: GPUDevice;
  readonly memory: GpuMemory;
  readonly kernels: KernelCache;
  /** What the adapter says of itself, for people: vendor, architecture, description. */
  readonly description: string;
  /** Whether shaders may use f16. */
  readonly hasF16: boolean;
  /** Threads of a subgroup, where shaders may use subgroups and all have the same size; else null. */
  readonly subgroupSize: number | null;
  /** Whether shaders may use subgroups, of whatever sizes. */
  readonly hasSubgroups: boolean;
  /** Which kernels it takes, where there are several of an operation; changed by tests only. */
  kernelKind: KernelKind;
  /** Kernels that are taken in place of the defaults; changed between runs only. */
  choices: KernelChoices;
  /** Whether passes can be timed by the GPU's clock. */
  readonly hasTimestamps: boolean;
  /** Largest storage binding in bytes. */
  readonly maxBinding: number;
  /** Only counts what a run takes (gpu/dryGpu.ts): nothing is computed, and data for it need not be read. */
  readonly dry: boolean;
  /** Resolves when the device is lost, with the reason. */
  readonly lost: Promise<string>;
  /** Throws the first error the device has reported (validation, out of memory, lost). */
  throwIfFailed(): void;
  /** Frees everything and closes the device. */
  destroy(): void;
}
