import { GraftError } from '../../base/lib/errors.ts';
import { noChoices, type KernelChoices } from './choices.ts';
import { Commands } from './commands.ts';
import { KernelCache } from './kernel.ts';
import { kernelKindOf, type KernelKind } from './kernelKind.ts';
import { GpuMemory } from './memory.ts';
import type { GpuDevice } from './gpuDevice.ts';

/** The device, and what records commands for it. */
export interface Gpu extends GpuDevice {
  /** Makes a recorder of commands. */
  commands(): Commands;
}

/**
 * Opens the best adapter with the highest limits it offers. Throws `gpu.no_webgpu`, `gpu.no_adapter`.
 * @param webgpu `navigator.gpu`, or Dawn's in Node; undefined if there is none
 * @param shaders name → WGSL with includes resolved
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
  const { vendor, architecture, description, isFallbackAdapter } = adapter.info;
  // Firefox names no adapter, but tells a processor from a GPU.
  const kind = isFallbackAdapter && !architecture && 'software';
  const name = [description, vendor, architecture, kind].filter(Boolean).join(' · ');
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
  readonly hasSubgroups: boolean;
  readonly maxBinding: number;
  readonly dry = false;
  kernelKind: KernelKind;
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
    this.hasSubgroups = device.features.has('subgroups');
    this.kernelKind = kernelKindOf(subgroupSize, description);
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
