import { GraftError } from '../lib/errors.ts';
import { noChoices, type KernelChoices } from './choices.ts';
import { Commands } from './commands.ts';
import { KernelCache } from './kernel.ts';
import { GpuMemory } from './memory.ts';

/** The one owner of the device: memory, kernels and the errors it met. */
export interface Gpu {
  readonly device: GPUDevice;
  readonly memory: GpuMemory;
  readonly kernels: KernelCache;
  /** What the adapter says of itself, for people: vendor, architecture, description. */
  readonly description: string;
  /** Whether shaders may use f16. */
  readonly hasF16: boolean;
  /** Threads of a subgroup, where shaders may use subgroups and all have the same size; else null. */
  readonly subgroupSize: number | null;
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
  /** Makes a recorder of commands. */
  commands(): Commands;
  /** Throws the first error the device has reported (validation, out of memory, lost). */
  throwIfFailed(): void;
  /** Frees everything and closes the device. */
  destroy(): void;
}

/**
 * Opens the best adapter with the largest limits it offers.
 * @param webgpu `navigator.gpu`, or Dawn's in Node; undefined where there is none
 * @param shaders name → WGSL with includes resolved
 * Throws `gpu.no_webgpu`, `gpu.no_adapter`.
 */
export async function openGpu(webgpu: GPU | undefined, shaders: Record<string, string>): Promise<Gpu> {
  if (!webgpu) throw new GraftError('gpu.no_webgpu');
  const adapter = await webgpu.requestAdapter({ powerPreference: 'high-performance' }).catch(() => null);
  if (!adapter) throw new GraftError('gpu.no_adapter', { detail: '' });
  const optional: GPUFeatureName[] = ['shader-f16', 'subgroups', 'timestamp-query'];
  const device = await adapter.requestDevice({
    requiredFeatures: optional.filter((feature) => adapter.features.has(feature)),
    requiredLimits: {
      maxBufferSize: adapter.limits.maxBufferSize,
      maxStorageBufferBindingSize: adapter.limits.maxStorageBufferBindingSize,
      maxComputeWorkgroupStorageSize: adapter.limits.maxComputeWorkgroupStorageSize,
    },
  });
  const { vendor, architecture, description } = adapter.info;
  const name = [description, vendor, architecture].filter(Boolean).join(' · ');
  return new OpenGpu(device, shaders, name, subgroupSizeOf(adapter));
}

function subgroupSizeOf({ features, info }: GPUAdapter): number | null {
  const { subgroupMinSize, subgroupMaxSize } = info;
  return features.has('subgroups') && subgroupMinSize === subgroupMaxSize ? subgroupMinSize : null;
}

class OpenGpu implements Gpu {
  readonly memory: GpuMemory;
  readonly kernels: KernelCache;
  readonly lost: Promise<string>;
  readonly hasF16: boolean;
  readonly hasTimestamps: boolean;
  readonly maxBinding: number;
  readonly dry = false;
  choices: KernelChoices = noChoices;
  #failure: GraftError | null = null;

  constructor(
    readonly device: GPUDevice,
    shaders: Record<string, string>,
    readonly description: string,
    readonly subgroupSize: number | null,
  ) {
    this.memory = new GpuMemory(device);
    this.kernels = new KernelCache(device, shaders, (error) => (this.#failure ??= error));
    this.hasF16 = device.features.has('shader-f16');
    this.hasTimestamps = device.features.has('timestamp-query');
    this.maxBinding = device.limits.maxStorageBufferBindingSize;
    this.lost = device.lost.then(({ message, reason }) => {
      this.#failure ??= new GraftError('gpu.device_lost', { reason: message || reason });
      return message || reason;
    });
    device.onuncapturederror = ({ error }) => {
      const outOfMemory = typeof GPUOutOfMemoryError !== 'undefined' && error instanceof GPUOutOfMemoryError;
      this.#failure ??= outOfMemory
        ? new GraftError('gpu.out_of_memory', { bytes: this.memory.bytes, label: error.message })
        : new GraftError('gpu.validation', { message: error.message });
    };
  }

  commands(): Commands {
    return new Commands(this);
  }

  throwIfFailed(): void {
    if (this.#failure) throw this.#failure;
  }

  destroy(): void {
    this.memory.freeAll();
    this.device.destroy();
  }
}
