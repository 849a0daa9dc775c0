import { assert } from '../lib/errors.ts';
import type { ShaderConstants } from './assemble.ts';
import { BindGroups } from './bindGroups.ts';
import type { Gpu } from './device.ts';
import type { BufferWatcher } from './memory.ts';
import { ParamSlots } from './paramSlots.ts';
import type { Profiler } from './profiler.ts';
import { SubmitBudget } from './submitBudget.ts';
import { byteLengthOf, bytesOf, type Tensor } from './tensor.ts';

/** What a dispatch does, for a profile. */
export interface Work {
  /** Additions and multiplications. */
  flops: number;
  /** Bytes read and written, each counted once; without it the bytes of all tensors count. */
  bytes?: number;
  /** What of the shader it is, where one does several things. */
  of?: string;
}

/** Workgroups in x, y, z. */
export type Groups = readonly [number, number?, number?];

/**
 * Records dispatches and copies and submits them. Kernels get their tensors and parameters by the names the shader
 * gives them, so a missing or misspelt one fails at once. What is recorded may go to the GPU at any time, in order: when
 * it is enough for a submit, and before a buffer that was used is uploaded to or freed. `submit` is for those who need
 * it there now, because they read results or write over what is used by commands of their own.
 */
export class Commands implements BufferWatcher {
  readonly gpu: Gpu;
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

  constructor(gpu: Gpu) {
    this.gpu = gpu;
    this.#params = new ParamSlots(gpu.memory);
    const { memory, device, maxBinding } = gpu;
    this.#bindGroups = new BindGroups(device, memory, maxBinding, this.#params.buffer, this);
    this.#maxGroups = device.limits.maxComputeWorkgroupsPerDimension;
  }

  /** Dispatches recorded since the object was made. */
  get dispatches(): number {
    return this.#dispatches;
  }

  /** Submits since the object was made. */
  get submits(): number {
    return this.#submits;
  }

  /** Bind groups that are kept for dispatches to come. */
  get bindGroups(): number {
    return this.#bindGroups.size;
  }

  /**
   * Records one dispatch of `shaders/<name>.wgsl`.
   * @param tensors the shader's storage variables, by name
   * @param params the fields of its `struct Params`, by name
   * @param groups workgroups in x, y, z
   * @param work what it does, where the kernel can tell
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

  /** Copies the bytes of `source` over the start of `target`. */
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

  /** Copies `source` into `target` from its element `at` on; both must start at a multiple of 4 bytes. */
  copyRows(source: Tensor, target: Tensor, at: number): void {
    this.copy(source, { ...target, offset: target.offset + at * bytesOf(target.type) });
  }

  /** Sets every byte of `tensor` to zero. */
  clear(tensor: Tensor): void {
    this.#endPass();
    this.gpu.memory.watch(tensor.buffer, this);
    this.#commandEncoder().clearBuffer(tensor.buffer, tensor.offset, byteLengthOf(tensor));
  }

  /** Sends what was recorded to the GPU. */
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

  /** Says that this is a good place to submit: it happens when the GPU waits, or enough is recorded. */
  maySubmit(): void {
    if (this.#budget.due) this.submit();
  }

  /** Records `body` as a part of that name, until it ends or the promise it gives resolves; parts lie in others. */
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

  /** Takes the times of all dispatches from here on, until it is given null. Each is a pass of its own meanwhile. */
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

  /** Frees the parameter buffer, after submitting what was recorded. */
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
