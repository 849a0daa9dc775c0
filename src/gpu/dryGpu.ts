import type { ShaderConstants } from './assemble.ts';
import { noChoices, type KernelChoices } from './choices.ts';
import { Commands, type Groups } from './commands.ts';
import type { Gpu } from './device.ts';
import { KernelCache, kernelKey, type KernelUse } from './kernel.ts';
import { GpuMemory } from './memory.ts';
import { byteLengthOf, type Tensor } from './tensor.ts';

/** What a plan must know of a device. */
export type GpuLimits = Pick<Gpu, 'maxBinding' | 'hasF16' | 'description'> &
  Partial<Pick<Gpu, 'subgroupSize' | 'choices'>>;

/**
 * A device that holds nothing and computes nothing: it counts the buffers a run makes. The code that would run on
 * a GPU runs on it unchanged, so that what is counted is what that GPU will hold. Reads give zeros.
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
  readonly description: string;
  readonly choices: KernelChoices;
  /** The largest part of a buffer that a kernel would use: the device refuses more than `maxBinding`. */
  largestBinding = { bytes: 0, label: '' };

  readonly #uses: Map<string, KernelUse> | null;

  /**
   * @param limits those of the device that the plan is for
   * @param notesKernels keeps a list of the kernels too, which takes its time
   */
  constructor(
    { maxBinding, hasF16, subgroupSize = null, choices = noChoices, description }: GpuLimits,
    { notesKernels = false }: { notesKernels?: boolean } = {},
  ) {
    this.#uses = notesKernels ? new Map() : null;
    this.maxBinding = maxBinding;
    this.hasF16 = hasF16;
    this.subgroupSize = subgroupSize;
    this.description = description;
    this.choices = choices;
  }

  commands(): Commands {
    return new DryCommands(this);
  }

  /** The kernels that the run takes, where they are noted. */
  get kernelUses(): KernelUse[] {
    return [...(this.#uses?.values() ?? [])];
  }

  /** Notes a dispatch of a kernel. */
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

/** Makes the buffers that Commands makes, and records nothing. */
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
    // Copies make no buffer.
  }

  override clear(): void {
    // Nor does this.
  }
}

/** As much of a device as memory, uploads and readbacks use. */
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
