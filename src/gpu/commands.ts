import { assert } from '../lib/errors.ts';
import type { ShaderConstants } from './assemble.ts';
import type { Gpu } from './device.ts';
import type { Kernel } from './kernel.ts';
import { byteLengthOf, bytesOf, type Tensor } from './tensor.ts';

const PARAM_SLOT = 256;
const PARAM_SLOTS = 1024;

/**
 * Records dispatches and copies into one command buffer and submits it. Kernels get their tensors and
 * parameters by the names the shader gives them, so a missing or misspelt one fails at once.
 */
export class Commands {
  readonly gpu: Gpu;
  #encoder: GPUCommandEncoder | null = null;
  #pass: GPUComputePassEncoder | null = null;
  #params: GPUBuffer;
  #staging = new DataView(new ArrayBuffer(PARAM_SLOT * PARAM_SLOTS));
  #slots = 0;
  #dispatches = 0;

  constructor(gpu: Gpu) {
    this.gpu = gpu;
    this.#params = gpu.memory.buffer(PARAM_SLOT * PARAM_SLOTS, 'kernel parameters', 'other', 0x40 | 0x08);
  }

  /** Dispatches recorded since the object was made. */
  get dispatches(): number {
    return this.#dispatches;
  }

  /**
   * Records one dispatch of `shaders/<name>.wgsl`.
   * @param tensors the shader's storage variables, by name
   * @param params the fields of its `struct Params`, by name
   * @param groups workgroups in x, y, z
   */
  run(
    name: string,
    constants: ShaderConstants,
    tensors: Record<string, Tensor>,
    params: Record<string, number>,
    groups: readonly [number, number?, number?],
  ): void {
    const [x, y = 1, z = 1] = groups;
    if (x * y * z === 0) return;
    const limit = this.gpu.device.limits.maxComputeWorkgroupsPerDimension;
    assert(Math.max(x, y, z) <= limit, `${name}: ${x}x${y}x${z} workgroups exceed the limit of ${limit}`);
    const kernel = this.gpu.kernels.get(name, constants);
    if (this.#slots === PARAM_SLOTS) this.submit();
    const pass = this.#computePass();
    pass.setPipeline(kernel.pipeline);
    pass.setBindGroup(0, this.#bindGroup(kernel, tensors, params));
    pass.dispatchWorkgroups(x, y, z);
    this.#dispatches += 1;
  }

  /** Copies the bytes of `source` over the start of `target`. */
  copy(source: Tensor, target: Tensor): void {
    this.#endPass();
    const bytes = byteLengthOf(source);
    this.#commandEncoder().copyBufferToBuffer(
      source.buffer,
      source.offset,
      target.buffer,
      target.offset,
      bytes,
    );
  }

  /** Copies `source` into `target` from its element `at` on; both must start at a multiple of 4 bytes. */
  copyRows(source: Tensor, target: Tensor, at: number): void {
    this.copy(source, { ...target, offset: target.offset + at * bytesOf(target.type) });
  }

  /** Sets every byte of `tensor` to zero. */
  clear(tensor: Tensor): void {
    this.#endPass();
    this.#commandEncoder().clearBuffer(tensor.buffer, tensor.offset, byteLengthOf(tensor));
  }

  /** Sends what was recorded to the GPU. */
  submit(): void {
    this.#endPass();
    if (!this.#encoder) return;
    const { queue } = this.gpu.device;
    // Ordered after every earlier submit, so one parameter buffer serves them all.
    if (this.#slots > 0)
      queue.writeBuffer(this.#params, 0, this.#staging.buffer, 0, this.#slots * PARAM_SLOT);
    queue.submit([this.#encoder.finish()]);
    this.#encoder = null;
    this.#slots = 0;
  }

  /** Frees the parameter buffer. */
  dispose(): void {
    this.gpu.memory.free(this.#params);
  }

  #bindGroup(kernel: Kernel, tensors: Record<string, Tensor>, params: Record<string, number>): GPUBindGroup {
    const entries: GPUBindGroupEntry[] = kernel.bindings.map(({ name, binding }) => {
      const tensor = tensors[name];
      assert(tensor, `${kernel.name}: no tensor "${name}"`);
      const resource = { buffer: tensor.buffer, offset: tensor.offset, size: byteLengthOf(tensor) };
      return { binding, resource };
    });
    const extra = Object.keys(tensors).length - kernel.bindings.length;
    assert(
      extra === 0,
      `${kernel.name} binds ${kernel.bindings.map((b) => b.name).join(', ')}, got ${Object.keys(tensors).join(', ')}`,
    );
    if (kernel.paramsBinding >= 0) {
      entries.push({ binding: kernel.paramsBinding, resource: this.#writeParams(kernel, params) });
    }
    return this.gpu.device.createBindGroup({ layout: kernel.pipeline.getBindGroupLayout(0), entries });
  }

  #writeParams(kernel: Kernel, params: Record<string, number>): GPUBufferBinding {
    const start = this.#slots * PARAM_SLOT;
    this.#slots += 1;
    kernel.params.forEach(({ name, type }, i) => {
      const value = params[name];
      assert(value !== undefined, `${kernel.name}: no parameter "${name}"`);
      if (type === 'f32') this.#staging.setFloat32(start + 4 * i, value, true);
      else if (type === 'i32') this.#staging.setInt32(start + 4 * i, value, true);
      else this.#staging.setUint32(start + 4 * i, value, true);
    });
    const size = Math.ceil((kernel.params.length * 4) / 16) * 16;
    return { buffer: this.#params, offset: start, size };
  }

  #commandEncoder(): GPUCommandEncoder {
    this.#encoder ??= this.gpu.device.createCommandEncoder();
    return this.#encoder;
  }

  #computePass(): GPUComputePassEncoder {
    this.#pass ??= this.#commandEncoder().beginComputePass();
    return this.#pass;
  }

  #endPass(): void {
    this.#pass?.end();
    this.#pass = null;
  }
}
