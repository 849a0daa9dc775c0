import type { Kernel } from './kernel.ts';
import type { BufferWatcher, GpuMemory } from './memory.ts';
import { byteLengthOf, type Tensor } from './tensor.ts';

/** So many bind groups are kept; a run uses a few thousand, and one that goes past this begins anew. */
const MOST = 16_384;

/**
 * Bind groups by kernel and tensors, made once. A tensor is bound up to its buffer's end, since micro-batches of many
 * lengths share their buffers: its own length would ask for another group each time. Shaders take lengths from their
 * parameters, not from arrayLength.
 */
export class BindGroups {
  readonly #device: GPUDevice;
  readonly #memory: GpuMemory;
  readonly #maxBinding: number;
  /** Told of every buffer in a group that is freed. */
  readonly #watcher: BufferWatcher;
  readonly #params: GPUBuffer;
  readonly #groups = new Map<string, GPUBindGroup>();
  readonly #keysOf = new Map<GPUBuffer, Set<string>>();
  /** Of the group that is asked for; kept so that a step makes no garbage of them. */
  readonly #bound: Tensor[] = [];

  /** @param params the buffer with the parameters, bound at a dynamic offset */
  constructor(
    device: GPUDevice,
    memory: GpuMemory,
    maxBinding: number,
    params: GPUBuffer,
    watcher: BufferWatcher,
  ) {
    this.#device = device;
    this.#memory = memory;
    this.#maxBinding = Math.floor(maxBinding / 4) * 4;
    this.#params = params;
    this.#watcher = watcher;
  }

  /** Groups that are kept. */
  get size(): number {
    return this.#groups.size;
  }

  /** Throws where `tensors` are not those that the shader names. */
  get(kernel: Kernel, tensors: Record<string, Tensor>): GPUBindGroup {
    const bound = this.#bound;
    bound.length = 0;
    let key = `${kernel.id}`;
    let shared = false;
    for (const { name } of kernel.bindings) {
      const tensor = tensors[name];
      if (!tensor) throw new Error(`${kernel.name}: no tensor "${name}"`);
      for (const other of bound) shared ||= other.buffer === tensor.buffer;
      bound.push(tensor);
      key += ` ${this.#memory.idOf(tensor.buffer)}+${tensor.offset}`;
    }
    let given = 0;
    for (const _ in tensors) given += 1;
    if (given !== bound.length) this.#refuse(kernel, tensors);
    // Parts of one buffer must not overlap when one of them is written: then each is bound as long as it is.
    if (shared) for (const tensor of bound) key += ` ${byteLengthOf(tensor)}`;
    return this.#groups.get(key) ?? this.#make(key, kernel, shared);
  }

  /** Forgets the groups with this buffer. */
  drop(buffer: GPUBuffer): void {
    for (const key of this.#keysOf.get(buffer) ?? []) this.#groups.delete(key);
    this.#keysOf.delete(buffer);
  }

  #make(key: string, kernel: Kernel, exact: boolean): GPUBindGroup {
    if (this.#groups.size >= MOST) {
      this.#groups.clear();
      this.#keysOf.clear();
    }
    const entries: GPUBindGroupEntry[] = kernel.bindings.map(({ binding }, i) => {
      const tensor = this.#bound[i]!;
      this.#remember(tensor.buffer, key);
      const { buffer, offset } = tensor;
      const bytes = byteLengthOf(tensor);
      // More than an adapter binds at once only where the tensor itself is, which it refuses.
      const size = exact ? bytes : Math.max(bytes, Math.min(buffer.size - offset, this.#maxBinding));
      return { binding, resource: { buffer, offset, size } };
    });
    if (kernel.paramsBinding >= 0) {
      const resource = { buffer: this.#params, size: kernel.paramsBytes };
      entries.push({ binding: kernel.paramsBinding, resource });
      this.#remember(this.#params, key);
    }
    const group = this.#device.createBindGroup({ label: kernel.name, layout: kernel.layout, entries });
    this.#groups.set(key, group);
    return group;
  }

  #remember(buffer: GPUBuffer, key: string): void {
    this.#memory.watch(buffer, this.#watcher);
    const keys = this.#keysOf.get(buffer);
    if (keys) keys.add(key);
    else this.#keysOf.set(buffer, new Set([key]));
  }

  #refuse(kernel: Kernel, tensors: Record<string, Tensor>): never {
    const wanted = kernel.bindings.map(({ name }) => name).join(', ');
    throw new Error(`${kernel.name} binds ${wanted}, got ${Object.keys(tensors).join(', ')}`);
  }
}
