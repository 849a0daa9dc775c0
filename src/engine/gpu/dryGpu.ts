import type { ShaderConstants } from './assemble.ts';
import { noChoices, type KernelChoices } from './choices.ts';
import { Commands, type Groups } from './commands.ts';
import type { Gpu } from './device.ts';
import { KernelCache, kernelKey, type KernelUse } from './kernel.ts';
import { kernelKindOf, type KernelKind } from './kernelKind.ts';
import { GpuMemory } from './memory.ts';
import { byteLengthOf, type Tensor } from './tensor.ts';

/** The device limits that a memory plan depends on. */
export type GpuLimits = Pick<Gpu, 'maxBinding' | 'hasF16' | 'description'> &
  Partial<Pick<Gpu, 'subgroupSize' | 'hasSubgroups' | 'kernelKind' | 'choices'>>;

/**
 * A device that allocates and computes nothing, but counts the buffers of a run. The code that runs on a GPU runs on it
 * unchanged, so the count is what that GPU will hold. Reads return zeros.
 */
export class DryGpu implements Gpu {
  readonly dry = true;
  readonly device = dryDevice();
  readonly memory = new GpuMemory(this.device);
  readonly kernels = new KernelCache(this.device, {});
  readonly hasTimestamps = false;
  readonly lost = new Promise<string>(() => undefined);
  readonly maxBinding: number;
  readonly hasF16: boolean;
  readonly subgroupSize: number | null;
  readonly hasSubgroups: boolean;
  readonly kernelKind: KernelKind;
  readonly description: string;
  readonly choices: KernelChoices;
  /** The largest binding of any dispatch. A device rejects one above `maxBinding`. */
  largestBinding = { bytes: 0, label: '' };

  readonly #uses: Map<string, KernelUse> | null;

  /**
   * @param limits of the device to plan for
   * @param recordsKernels also collects the kernels used, which takes time
   */
  constructor(
    {
      maxBinding,
      hasF16,
      subgroupSize = null,
      hasSubgroups = subgroupSize !== null,
      description,
      kernelKind = kernelKindOf(subgroupSize, description),
      choices = noChoices,
    }: GpuLimits,
    { recordsKernels = false }: { recordsKernels?: boolean } = {},
  ) {
    this.#uses = recordsKernels ? new Map() : null;
    this.maxBinding = maxBinding;
    this.hasF16 = hasF16;
    this.subgroupSize = subgroupSize;
    this.hasSubgroups = hasSubgroups;
    this.kernelKind = kernelKind;
    this.description = description;
    this.choices = choices;
  }

  commands(): Commands {
    return new DryCommands(this);
  }

  /** The kernels of the run, if recorded. */
  get kernelUses(): KernelUse[] {
    return [...(this.#uses?.values() ?? [])];
  }

  /** Records a use of a kernel. */
  used(name: string, constants: ShaderConstants): void {
    if (!this.#uses) return;
    const key = kernelKey(name, constants);
    if (!this.#uses.has(key)) this.#uses.set(key, { name, constants });
  }

  throwIfFailed(): void {
    // Nothing runs, so nothing fails.
  }

  destroy(): void {
    this.memory.freeAll();
  }
}

/** Allocates the buffers that Commands allocates, and records nothing. */
class DryCommands extends Commands {
  readonly #gpu: DryGpu;

  constructor(gpu: DryGpu) {
    super(gpu);
    this.#gpu = gpu;
  }

  override run(
    name: string,
    constants: ShaderConstants,
    tensors: Record<string, Tensor>,
    _params: Record<string, number>,
    groups: Groups,
  ): void {
    if (groups.includes(0)) return;
    this.#gpu.used(name, constants);
    for (const tensor of Object.values(tensors)) {
      const bytes = byteLengthOf(tensor);
      if (bytes > this.#gpu.largestBinding.bytes)
        this.#gpu.largestBinding = { bytes, label: tensor.buffer.label };
    }
  }

  override copy(): void {
    // Copies allocate nothing.
  }

  override clear(): void {
    // Clearing allocates nothing.
  }
}

/** The subset of GPUDevice that memory, uploads and readbacks use. */
function dryDevice(): GPUDevice {
  const encoder = { copyBufferToBuffer: () => undefined, finish: () => ({}) };
  const device = {
    limits: { maxBufferSize: Infinity, maxComputeWorkgroupsPerDimension: 65_535 },
    queue: { writeBuffer: () => undefined, submit: () => undefined },
    createBuffer: ({ size, label }: GPUBufferDescriptor) => dryBuffer(size, label),
    createCommandEncoder: () => encoder,
    destroy: () => undefined,
  };
  return device as unknown as GPUDevice;
}

function dryBuffer(size: number, label: string | undefined): GPUBuffer {
  const buffer = {
    label,
    size,
    mapAsync: () => Promise.resolve(),
    getMappedRange: () => new ArrayBuffer(size),
    unmap: () => undefined,
    destroy: () => undefined,
  };
  return buffer as unknown as GPUBuffer;
}
