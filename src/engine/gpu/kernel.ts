import { assert, GraftError } from '../../base/lib/errors.ts';
import {
  reflect,
  specialize,
  type ShaderBinding,
  type ShaderConstants,
  type ShaderParam,
} from './assemble.ts';

/** A compiled compute pipeline, with the names of its bindings and parameters. */
export interface Kernel {
  readonly name: string;
  /** Unique among the kernels of a device. */
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
  /** Milliseconds per workgroup, once measured (gpu/submitBudget.ts). */
  msPerGroup: number | null;
}

/** A shader with its constants, from which a kernel is compiled. */
export interface KernelUse {
  name: string;
  constants: ShaderConstants;
}

/** Identifies a kernel: equal for two uses of the same one. */
export function kernelKey(name: string, constants: ShaderConstants): string {
  let key = name;
  for (const constant in constants) key += ` ${constant}=${String(constants[constant])}`;
  return key;
}

/** Compiles each shader once per set of constants. */
export class KernelCache {
  readonly #device: GPUDevice;
  readonly #shaders: Record<string, string>;
  readonly #onError: (error: GraftError) => void;
  readonly #kernels = new Map<string, Kernel>();
  readonly #layouts = new Map<string, { group: GPUBindGroupLayout; pipeline: GPUPipelineLayout }>();
  #ids = 0;

  /** @param onError called with `gpu.shader` if the device rejects a shader that is already in use */
  constructor(
    device: GPUDevice,
    shaders: Record<string, string>,
    onError: (error: GraftError) => void = () => undefined,
  ) {
    this.#device = device;
    this.#shaders = shaders;
    this.#onError = onError;
  }

  /** Number of compiled pipelines. */
  get size(): number {
    return this.#kernels.size;
  }

  /** The kernel `shaders/<name>.wgsl` with `constants` overriding its defaults; compiles it if it was not prepared. */
  get(name: string, constants: ShaderConstants = {}): Kernel {
    const key = kernelKey(name, constants);
    let kernel = this.#kernels.get(key);
    if (!kernel) {
      const plan = this.#plan({ name, constants });
      this.#device.pushErrorScope('validation');
      kernel = { ...plan.kernel, pipeline: this.#device.createComputePipeline(plan.descriptor()) };
      // Validation is asynchronous: readers of results check the device for failures.
      this.#device
        .popErrorScope()
        .then((error) => error && this.#onError(shaderError(name, error)))
        // A lost device is reported through `Gpu.lost`.
        .catch(() => undefined);
      this.#kernels.set(key, kernel);
    }
    return kernel;
  }

  /**
   * Compiles kernels in parallel ahead of their use, without blocking JavaScript.
   * @returns number of kernels compiled
   * @throws `gpu.shader` for a shader that the device rejects, after compiling the others
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
    // Otherwise the module's error would be uncaptured; the pipeline's error says the same.
    this.#device.pushErrorScope('validation');
    const descriptor = plan.descriptor();
    const module = this.#device.popErrorScope().catch(() => null);
    try {
      const pipeline = await this.#device.createComputePipelineAsync(descriptor);
      const key = kernelKey(use.name, use.constants);
      // It may have been compiled by `get` meanwhile.
      if (!this.#kernels.has(key)) this.#kernels.set(key, { ...plan.kernel, pipeline });
    } catch (error) {
      throw shaderError(use.name, (await module) ?? (error as Error));
    }
  }

  /** Everything about a kernel except its pipeline. */
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

  /** Layouts are explicit rather than `auto`, since only explicit ones allow dynamic offsets. */
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
