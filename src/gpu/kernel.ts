import { assert } from '../lib/errors.ts';
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
  readonly pipeline: GPUComputePipeline;
  /** Storage bindings, by name. */
  readonly bindings: readonly ShaderBinding[];
  readonly params: readonly ShaderParam[];
  /** Binding number of `params`, or -1. */
  readonly paramsBinding: number;
}

/** Compiles shaders once for each set of constants. */
export class KernelCache {
  #device: GPUDevice;
  #shaders: Record<string, string>;
  #kernels = new Map<string, Kernel>();

  constructor(device: GPUDevice, shaders: Record<string, string>) {
    this.#device = device;
    this.#shaders = shaders;
  }

  /** How many pipelines were compiled. */
  get size(): number {
    return this.#kernels.size;
  }

  /** The kernel `shaders/<name>.wgsl` with `constants` in place of its defaults. */
  get(name: string, constants: ShaderConstants = {}): Kernel {
    const key = `${name} ${JSON.stringify(constants)}`;
    let kernel = this.#kernels.get(key);
    if (!kernel) {
      kernel = this.#compile(name, constants);
      this.#kernels.set(key, kernel);
    }
    return kernel;
  }

  #compile(name: string, constants: ShaderConstants): Kernel {
    const source = this.#shaders[name];
    assert(source !== undefined, `no shader ${name}`);
    const code = specialize(name, source, constants);
    const { bindings, params, workgroupEntry } = reflect(code);
    const pipeline = this.#device.createComputePipeline({
      label: name,
      layout: 'auto',
      compute: { module: this.#device.createShaderModule({ code, label: name }), entryPoint: workgroupEntry },
    });
    const uniform = bindings.find((b) => b.kind === 'uniform');
    return {
      name,
      pipeline,
      bindings: bindings.filter((b) => b.kind !== 'uniform'),
      params,
      paramsBinding: uniform?.binding ?? -1,
    };
  }
}
