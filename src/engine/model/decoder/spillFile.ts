import type { Gpu } from '../../gpu/device.ts';
import { byteLengthOf, type Tensor } from '../../gpu/tensor.ts';
import { uploadBytes } from '../../gpu/transfer.ts';
import { assert } from '../../../base/lib/errors.ts';
import type { Directory, RandomAccessFile } from '../../../base/storage/types.ts';

const MAP_READ = 0x01;
const COPY_DST = 0x08;

/**
 * Stores tensors on disk until they are needed again: written when the GPU reaches them, read one ahead. The file is
 * removed when it is closed; one left behind by a crash is removed when the next is opened.
 */
export class SpillFile {
  readonly #gpu: Gpu;
  /** Null on a dry device. */
  readonly #folder: Directory | null;
  #file: RandomAccessFile | null = null;
  readonly #ranges = new Map<string, { offset: number; bytes: number }>();
  #end = 0;
  #staging: GPUBuffer | null = null;
  /** The current write; the next one waits for it. */
  #writing: Promise<void> = Promise.resolve();
  #ahead: { key: string; bytes: Promise<Uint8Array<ArrayBuffer>> } | null = null;

  /** @param folder only for spill files: unopened ones in it are removed */
  constructor(gpu: Gpu, folder: Directory | null) {
    this.#gpu = gpu;
    this.#folder = folder;
  }

  /** Discards all tensors: the file is overwritten from its start. */
  async clear(): Promise<void> {
    await this.#writing;
    this.#ranges.clear();
    this.#end = 0;
    this.#ahead = null;
  }

  /**
   * Writes a tensor's contents after the commands submitted so far; once this resolves, later commands may overwrite
   * the tensor. Throws the error of the previous write: `storage.quota` if the disk is full.
   */
  async save(key: string, tensor: Tensor): Promise<void> {
    await this.#writing;
    const bytes = byteLengthOf(tensor);
    const staging = this.#stagingFor(bytes);
    const offset = this.#end;
    this.#end += bytes;
    this.#ranges.set(key, { offset, bytes });
    if (this.#gpu.dry) return;
    this.#file ??= await this.#open();
    const { device } = this.#gpu;
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(tensor.buffer, tensor.offset, staging, 0, bytes);
    device.queue.submit([encoder.finish()]);
    this.#writing = this.#write(staging, offset, bytes);
    this.#writing.catch(() => undefined);
  }

  /** Starts reading the tensor that `load` will need next. */
  prefetch(key: string): void {
    if (this.#gpu.dry || this.#ahead?.key === key) return;
    const bytes = this.#read(key);
    bytes.catch(() => undefined);
    this.#ahead = { key, bytes };
  }

  /** Uploads the contents saved under `key` to a tensor, after the commands submitted so far. */
  async load(key: string, into: Tensor): Promise<void> {
    if (this.#gpu.dry) return;
    const bytes = await (this.#ahead?.key === key ? this.#ahead.bytes : this.#read(key));
    this.#ahead = null;
    uploadBytes(this.#gpu, into, bytes);
  }

  /** Removes the file and frees the staging memory. */
  async dispose(): Promise<void> {
    if (this.#staging) this.#gpu.memory.free(this.#staging);
    this.#staging = null;
    const file = this.#file;
    this.#file = null;
    // An interrupted write no longer matters.
    await this.#writing.catch(() => undefined);
    await this.#ahead?.bytes.catch(() => undefined);
    if (!file) return;
    await file.close();
    await this.#folder?.remove(file.name).catch(() => undefined);
  }

  async #open(): Promise<RandomAccessFile> {
    const folder = this.#folder;
    assert(folder, 'there is no folder for what does not fit the GPU');
    await removeSpilled(folder);
    const file = await folder.edit(`spill-${crypto.randomUUID()}`);
    // If a file can be removed while it is open, a crash leaves nothing behind.
    await folder.remove(file.name).catch(() => undefined);
    return file;
  }

  #stagingFor(bytes: number): GPUBuffer {
    if (!this.#staging || this.#staging.size < bytes) {
      if (this.#staging) this.#gpu.memory.free(this.#staging);
      this.#staging = this.#gpu.memory.buffer(
        bytes,
        'block input on its way',
        'staging',
        MAP_READ | COPY_DST,
      );
    }
    return this.#staging;
  }

  async #write(staging: GPUBuffer, offset: number, bytes: number): Promise<void> {
    await staging.mapAsync(MAP_READ, 0, bytes);
    try {
      await this.#file?.write(offset, new Uint8Array(staging.getMappedRange(0, bytes)));
    } finally {
      staging.unmap();
    }
  }

  async #read(key: string): Promise<Uint8Array<ArrayBuffer>> {
    await this.#writing;
    const range = this.#ranges.get(key);
    assert(range && this.#file, `nothing was saved as ${key}`);
    return this.#file.read(range.offset, range.bytes);
  }
}

/** Removes files left in a folder by crashed runs; files that are open, here or in another tab, stay. */
export async function removeSpilled(folder: Directory): Promise<void> {
  const names = await folder.list();
  await Promise.all(names.map((name) => folder.remove(name).catch(() => undefined)));
}
