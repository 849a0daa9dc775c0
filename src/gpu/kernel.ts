import { assert, GraftError } from '../lib/errors.ts';
import {
  reflect,
  specialize,
  type ShaderBinding,
  type ShaderConstants,
  type ShaderParam,
} from './assemble.ts';

/** A compiled compute pipeline with the names of its bindings and parameters. */
export interface Kernel {
  readonly name: string;
  /** Tells it from every other kernel of its device. */
  readonly id: number;
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  /** Storage bindings, by name. */
  readonly bindings: readonly ShaderBinding[];
  readonly params: readonly ShaderParam[];
  /** Binding number of `params`, or -1. */
  readonly paramsBinding: number;
  /** Bytes of `params`. */
  readonly paramsBytes: number;
  /** Milliseconds that a workgroup takes, as far as measured (gpu/submitBudget.ts). */
  msPerGroup: number | null;
}

/** A shader with its constants: what a kernel is compiled from. */
export interface KernelUse {
  name: string;
  constants: ShaderConstants;
}

/** What two uses share when they are the same kernel. */
export function kernelKey(name: string, constants: ShaderConstants): string {
  let key = name;
  for (const constant in constants) key += ` ${constant}=${String(constants[constant])}`;
  return key;
}

/** Compiles shaders once for each set of constants. */
export class KernelCache {
  readonly #device: GPUDevice;
  readonly #shaders: Record<string, string>;
  readonly #onError: (error: GraftError) => void;
  readonly #kernels = new Map<string, Kernel>();
  readonly #layouts = new Map<string, { group: GPUBindGroupLayout; pipeline: GPUPipelineLayout }>();
  #ids = 0;

  /** @param onError told of a shader that the device refused once it was in use: `gpu.shader` */
  constructor(
    device: GPUDevice,
    shaders: Record<string, string>,
    onError: (error: GraftError) => void = () => undefined,
  ) {
    this.#device = device;
    this.#shaders = shaders;
    this.#onError = onError;
  }

  /** How many pipelines were compiled. */
  get size(): number {
    return this.#kernels.size;
  }

  /** The kernel `shaders/<name>.wgsl` with `constants` in place of its defaults; compiled now if it was not prepared. */
  get(name: string, constants: ShaderConstants = {}): Kernel {
    const key = kernelKey(name, constants);
    let kernel = this.#kernels.get(key);
    if (!kernel) {
      const plan = this.#plan({ name, constants });
      this.#device.pushErrorScope('validation');
      kernel = { ...plan.kernel, pipeline: this.#device.createComputePipeline(plan.descriptor()) };
      // Known only later: whoever reads results asks the device whether it failed.
      this.#device
        .popErrorScope()
        .then((error) => error && this.#onError(shaderError(name, error)))
        // A lost device is told elsewhere.
        .catch(() => undefined);
      this.#kernels.set(key, kernel);
    }
    return kernel;
  }

  /**
   * Compiles kernels side by side, ahead of their use, without holding up JavaScript. Throws `gpu.shader` for one that
   * the device refuses, after the others.
   * @returns how many were compiled
   */
  async prepare(uses: readonly KernelUse[]): Promise<number> {
    const missing = uses.filter(({ name, constants }) => !this.#kernels.has(kernelKey(name, constants)));
    const compiled = await Promise.allSettled(missing.map((use) => this.#compile(use)));
    const failed = compiled.find(({ status }) => status === 'rejected');
    if (failed) throw (failed as PromiseRejectedResult).reason;
    return missing.length;
  }

  async #compile(use: KernelUse): Promise<void> {
    const plan = this.#plan(use);
    // The module's own error would be reported as nobody's; the pipeline's says the same.
    this.#device.pushErrorScope('validation');
    const descriptor = plan.descriptor();
    const module = this.#device.popErrorScope().catch(() => null);
    try {
      const pipeline = await this.#device.createComputePipelineAsync(descriptor);
      const key = kernelKey(use.name, use.constants);
      // Another may have needed it meanwhile, and have compiled it.
      if (!this.#kernels.has(key)) this.#kernels.set(key, { ...plan.kernel, pipeline });
    } catch (error) {
      throw shaderError(use.name, (await module) ?? (error as Error));
    }
  }

  /** Everything about a kernel but its pipeline. */
  #plan({ name, constants }: KernelUse): {
    kernel: Omit<Kernel, 'pipeline'>;
    descriptor(): GPUComputePipelineDescriptor;
  } {
    const source = this.#shaders[name];
    assert(source !== undefined, `no shader ${name}`);
    const code = specialize(name, source, constants);
    const { bindings, params, workgroupEntry: entryPoint } = reflect(code);
    const paramsBytes = Math.ceil((params.length * 4) / 16) * 16;
    const layout = this.#layoutFor(bindings, paramsBytes);
    const uniform = bindings.find((b) => b.kind === 'uniform');
    this.#ids += 1;
    return {
      kernel: {
        name,
        id: this.#ids,
        layout: layout.group,
        bindings: bindings.filter((b) => b.kind !== 'uniform'),
        params,
        paramsBinding: uniform?.binding ?? -1,
        paramsBytes,
        msPerGroup: null,
      },
      descriptor: () => ({
        label: name,
        layout: layout.pipeline,
        compute: { module: this.#device.createShaderModule({ code, label: name }), entryPoint },
      }),
    };
  }

  /** Layouts are given rather than derived, since only given ones may have parameters at a dynamic offset. */
  #layoutFor(
    bindings: readonly ShaderBinding[],
    paramsBytes: number,
  ): { group: GPUBindGroupLayout; pipeline: GPUPipelineLayout } {
    const key = bindings.map(({ binding, kind }) => `${binding}${kind}`).join() + paramsBytes;
    let layout = this.#layouts.get(key);
    if (!layout) {
      const entries = bindings.map(({ binding, kind }) => ({
        binding,
        visibility: 0x4, // COMPUTE
        buffer:
          kind === 'uniform'
            ? { type: 'uniform' as const, hasDynamicOffset: true, minBindingSize: paramsBytes }
            : { type: kind === 'read' ? ('read-only-storage' as const) : ('storage' as const) },
      }));
      const group = this.#device.createBindGroupLayout({ entries });
      layout = { group, pipeline: this.#device.createPipelineLayout({ bindGroupLayouts: [group] }) };
      this.#layouts.set(key, layout);
    }
    return layout;
  }
}

function shaderError(name: string, { message }: { message: string }): GraftError {
  return new GraftError('gpu.shader', { shader: name, message });
}
