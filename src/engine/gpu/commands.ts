import { assert } from '../../base/lib/errors.ts';
import type { ShaderConstants } from './assemble.ts';
import { BindGroups } from './bindGroups.ts';
import type { GpuDevice } from './gpuDevice.ts';
import type { BufferWatcher } from './memory.ts';
import { ParamSlots } from './paramSlots.ts';
import type { Profiler } from './profiler.ts';
import { SubmitBudget } from './submitBudget.ts';
import { byteLengthOf, bytesOf, type Tensor } from './tensor.ts';

/** What a dispatch computes, for the profiler. */
export interface Work {
  /** Additions and multiplications. */
  flops: number;
  /** Bytes read and written, each counted once; defaults to the bytes of all tensors. */
  bytes?: number;
  /** The variant, for a shader with several uses. */
  of?: string;
}

/** Number of workgroups in x, y, z. */
export type Groups = readonly [number, number?, number?];

/**
 * Records dispatches and copies, and submits them. Tensors and parameters are passed by the names in the shader, so a
 * missing or misspelt one fails immediately. Recorded commands may reach the GPU at any time, in order: when a submit
 * is full, and before a buffer they use is uploaded to or freed. Call `submit` to force it, before reading results or
 * overwriting their inputs with another `Commands`.
 */
export class Commands implements BufferWatcher {
  readonly gpu: GpuDevice;
  readonly #bindGroups: BindGroups;
  readonly #params: ParamSlots;
  readonly #budget = new SubmitBudget();
  readonly #maxGroups: number;
  readonly #offsets = new Uint32Array(1);
  readonly #scope: string[] = [];
  #profiler: Profiler | null = null;
  #encoder: GPUCommandEncoder | null = null;
  #pass: GPUComputePassEncoder | null = null;
  #pipeline: GPUComputePipeline | null = null;
  #dispatches = 0;
  #submits = 0;

  constructor(gpu: GpuDevice) {
    this.gpu = gpu;
    this.#params = new ParamSlots(gpu.memory);
    const { memory, device, maxBinding } = gpu;
    this.#bindGroups = new BindGroups(device, memory, maxBinding, this.#params.buffer, this);
    this.#maxGroups = device.limits.maxComputeWorkgroupsPerDimension;
  }

  /** Number of dispatches recorded since construction. */
  get dispatches(): number {
    return this.#dispatches;
  }

  /** Number of submits since construction. */
  get submits(): number {
    return this.#submits;
  }

  /** Number of cached bind groups. */
  get bindGroups(): number {
    return this.#bindGroups.size;
  }

  /**
   * Records one dispatch of `shaders/<name>.wgsl`.
   * @param tensors the shader's storage variables, by name
   * @param params the fields of its `struct Params`, by name
   * @param groups number of workgroups in x, y, z
   * @param work what it computes, if known
   */
  run(
    name: string,
    constants: ShaderConstants,
    tensors: Record<string, Tensor>,
    params: Record<string, number>,
    groups: Groups,
    work?: Work,
  ): void {
    const [x, y = 1, z = 1] = groups;
    const count = x * y * z;
    if (count === 0) return;
    if (Math.max(x, y, z) > this.#maxGroups)
      throw new Error(`${name}: ${x}x${y}x${z} workgroups exceed the limit of ${this.#maxGroups}`);
    const kernel = this.gpu.kernels.get(name, constants);
    if (this.#params.full || this.#budget.exceededBy(kernel, count)) this.submit();
    const group = this.#bindGroups.get(kernel, tensors);
    const pass = this.#profiler
      ? this.#profiledPass(this.#profiler, name, tensors, count, work)
      : this.#computePass();
    if (this.#pipeline !== kernel.pipeline) {
      pass.setPipeline(kernel.pipeline);
      this.#pipeline = kernel.pipeline;
    }
    if (kernel.paramsBinding < 0) {
      pass.setBindGroup(0, group);
    } else {
      this.#offsets[0] = this.#params.write(kernel, params);
      pass.setBindGroup(0, group, this.#offsets, 0, 1);
    }
    pass.dispatchWorkgroups(x, y, z);
    this.#dispatches += 1;
    this.#budget.add(kernel, count);
  }

  /** Copies all bytes of `source` to the start of `target`. */
  copy(source: Tensor, target: Tensor): void {
    this.#endPass();
    this.gpu.memory.watch(source.buffer, this);
    this.gpu.memory.watch(target.buffer, this);
    const bytes = byteLengthOf(source);
    this.#commandEncoder().copyBufferToBuffer(
      source.buffer,
      source.offset,
      target.buffer,
      target.offset,
      bytes,
    );
  }

  /** Copies `source` into `target` at element `at`; both must start at a multiple of 4 bytes. */
  copyRows(source: Tensor, target: Tensor, at: number): void {
    this.copy(source, { ...target, offset: target.offset + at * bytesOf(target.type) });
  }

  /** Sets every byte of `tensor` to zero. */
  clear(tensor: Tensor): void {
    this.#endPass();
    this.gpu.memory.watch(tensor.buffer, this);
    this.#commandEncoder().clearBuffer(tensor.buffer, tensor.offset, byteLengthOf(tensor));
  }

  /** Submits the recorded commands. */
  submit(): void {
    this.#endPass();
    if (!this.#encoder) return;
    const { queue } = this.gpu.device;
    this.#params.flush(queue);
    queue.submit([this.#encoder.finish()]);
    this.#encoder = null;
    this.#submits += 1;
    this.#budget.submitted(queue);
  }

  /** Marks a good point to submit: submits if the GPU is idle or enough is recorded. */
  maySubmit(): void {
    if (this.#budget.due) this.submit();
  }

  /** Records `body` under a named profiling scope, until it returns or its promise settles. Scopes nest. */
  scope<T>(name: string, body: () => T): T {
    this.#scope.push(name);
    const leave = () => assert(this.#scope.pop() === name, `the scope ${name} ends within another`);
    let result: T;
    try {
      result = body();
    } catch (error) {
      leave();
      throw error;
    }
    if (result instanceof Promise) return result.finally(leave) as T;
    leave();
    return result;
  }

  /** Profiles all dispatches from here on, until called with null. Each gets a pass of its own meanwhile. */
  profile(profiler: Profiler | null): void {
    this.#endPass();
    this.#profiler = profiler;
  }

  writing(): void {
    this.submit();
  }

  freeing(buffer: GPUBuffer): void {
    this.submit();
    this.#bindGroups.drop(buffer);
  }

  /** Submits the recorded commands and frees the parameter buffer. */
  dispose(): void {
    this.submit();
    this.gpu.memory.free(this.#params.buffer);
  }

  #profiledPass(
    profiler: Profiler,
    name: string,
    tensors: Record<string, Tensor>,
    groups: number,
    work: Work | undefined,
  ): GPUComputePassEncoder {
    this.#endPass();
    let bytes = work?.bytes ?? 0;
    if (work?.bytes === undefined) for (const name in tensors) bytes += byteLengthOf(tensors[name]!);
    const kernel = work?.of === undefined ? name : `${name} ${work.of}`;
    const dispatch = { kernel, scope: [...this.#scope], groups, flops: work?.flops ?? null, bytes };
    const timestampWrites = profiler.time(dispatch);
    this.#pass = this.#commandEncoder().beginComputePass({ timestampWrites });
    return this.#pass;
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
    this.#pipeline = null;
  }
}
