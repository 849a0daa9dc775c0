import type { Kernel } from './kernel.ts';
import type { BufferWatcher, GpuMemory } from './memory.ts';
import { byteLengthOf, type Tensor } from './tensor.ts';

/** Maximum number of cached bind groups. A run uses a few thousand; beyond this the cache is cleared. */
const MAX_GROUPS = 16_384;

/**
 * Caches bind groups by kernel and tensors. A tensor is bound up to the end of its buffer: micro-batches of different
 * lengths share buffers, and binding exact lengths would need a new group for each. Shaders take lengths from their
 * parameters, not from arrayLength.
 */
export class BindGroups {
  readonly #device: GPUDevice;
  readonly #memory: GpuMemory;
  readonly #maxBinding: number;
  /** Notified when a buffer of a cached group is freed. */
  readonly #watcher: BufferWatcher;
  readonly #params: GPUBuffer;
  readonly #groups = new Map<string, GPUBindGroup>();
  readonly #keysOf = new Map<GPUBuffer, Set<string>>();
  /** Tensors of the current lookup; reused so that a step allocates nothing. */
  readonly #bound: Tensor[] = [];

  /** @param params the parameter buffer, bound at a dynamic offset */
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

  /** Number of cached groups. */
  get size(): number {
    return this.#groups.size;
  }

  /** The group for `tensors`, by the shader's binding names. Throws if a name is missing or unknown. */
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
    // Parts of one buffer must not overlap if one of them is written, so each is bound at its exact length.
    if (shared) for (const tensor of bound) key += ` ${byteLengthOf(tensor)}`;
    return this.#groups.get(key) ?? this.#make(key, kernel, shared);
  }

  /** Drops all groups that bind this buffer. */
  drop(buffer: GPUBuffer): void {
    for (const key of this.#keysOf.get(buffer) ?? []) this.#groups.delete(key);
    this.#keysOf.delete(buffer);
  }

  #make(key: string, kernel: Kernel, exact: boolean): GPUBindGroup {
    if (this.#groups.size >= MAX_GROUPS) {
      this.#groups.clear();
      this.#keysOf.clear();
    }
    const entries: GPUBindGroupEntry[] = kernel.bindings.map(({ binding }, i) => {
      const tensor = this.#bound[i]!;
      this.#remember(tensor.buffer, key);
      const { buffer, offset } = tensor;
      const bytes = byteLengthOf(tensor);
      // Exceeds the binding limit only if the tensor itself does, and then the adapter reports it.
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
