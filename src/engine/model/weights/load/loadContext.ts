import type { Checkpoint } from '../../../../content/formats/checkpoint.ts';
import type { Commands } from '../../../gpu/commands.ts';
import type { Gpu } from '../../../gpu/device.ts';
import type { MemoryPart } from '../../../gpu/memory.ts';
import { byteLengthOf, type ElementType, type Tensor } from '../../../gpu/tensor.ts';
import { uploadBytes } from '../../../gpu/transfer.ts';
import { RING_FROM, UploadRing } from '../../../gpu/uploadRing.ts';
import { assert } from '../../../../base/lib/errors.ts';

/** Bytes of a matrix converted at a time, by a kernel or in JavaScript. */
export const PIECE = 16 * 1024 * 1024;

/** Resources needed only while loading; consecutive loads may share them. */
export interface LoadScratch {
  commands: Commands;
  staging: Tensor | null;
  /** Created on first use. */
  ring?: UploadRing;
  /** Files to close at the end. */
  opened?: Set<Checkpoint>;
}

/** Where a matrix goes that lies in a tensor together with others: its part of the numbers, and of their scales. */
export interface BufferSlice {
  data: Tensor;
  scales: Tensor | null;
}

/** What bringing matrices to the GPU needs: the files, the device, and who owns the tensors that are made. */
export class LoadContext {
  readonly gpu: Gpu;
  readonly checkpoint: Checkpoint;
  readonly commands: Commands;
  readonly #onBytes: (bytes: number) => void;
  readonly #owned = new Set<Tensor>();
  /** Tensors of a discarded block, to be reused. */
  #idle: Tensor[];
  /** Shared, or this load's own. */
  readonly #scratch: LoadScratch;
  readonly #ownsScratch: boolean;
  #disposed = false;

  /**
   * @param idle tensors that may be reused; the rest is freed when loading ends
   * @param scratch shared with other loads, whose owner frees it
   */
  constructor(
    gpu: Gpu,
    checkpoint: Checkpoint,
    onBytes: (bytes: number) => void = () => undefined,
    idle: readonly Tensor[] = [],
    scratch: LoadScratch | null = null,
  ) {
    this.#idle = [...idle];
    this.gpu = gpu;
    this.checkpoint = checkpoint;
    this.#ownsScratch = scratch === null;
    this.#scratch = scratch ?? { commands: gpu.commands(), staging: null };
    this.commands = this.#scratch.commands;
    this.#onBytes = onBytes;
  }

  /** Allocates a tensor that lives until `dispose` or `free`; tensors needed only while loading count as staging. */
  tensor(type: ElementType, shape: readonly number[], label: string, part: MemoryPart = 'weights'): Tensor {
    this.checkAlive();
    const made = this.#takeIdle(type, shape) ?? this.gpu.memory.tensor(type, shape, label, part);
    this.#owned.add(made);
    return made;
  }

  /** Throws if its tensors have been freed: loading must stop. */
  checkAlive(): void {
    assert(!this.#disposed, 'loading goes on after its end');
  }

  /** Frees a tensor early, after submitting the commands that use it. */
  free(tensor: Tensor): void {
    this.commands.submit();
    this.#owned.delete(tensor);
    this.gpu.memory.free(tensor);
  }

  /**
   * Reads bytes of a tensor, and reports progress. A dry device reads zeros.
   * @param from the files that contain it, if not the model's
   */
  async read(
    name: string,
    offset: number,
    length: number,
    from: Checkpoint = this.checkpoint,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(length);
    if (!this.gpu.dry) await this.#fill(name, offset, bytes, from);
    return bytes;
  }

  /**
   * Copies bytes of a tensor into `target` unchanged: large ones through the ring, without another copy in memory.
   * @param from as in `read`
   */
  async copy(
    name: string,
    offset: number,
    length: number,
    target: Tensor,
    from: Checkpoint = this.checkpoint,
  ): Promise<void> {
    if (length < RING_FROM) {
      if (!this.gpu.dry) uploadBytes(this.gpu, target, await this.read(name, offset, length, from));
      return;
    }
    this.#scratch.ring ??= new UploadRing(this.gpu);
    await this.#scratch.ring.upload(target, length, (at, memory) =>
      this.#fill(name, offset + at, memory, from),
    );
  }

  /** Copies bytes of a tensor into `target` after converting them in JavaScript, a piece at a time. */
  async convert(
    name: string,
    offset: number,
    length: number,
    target: Tensor,
    convert: (piece: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>,
  ): Promise<void> {
    if (this.gpu.dry) return;
    let written = target.offset;
    for (let at = 0; at < length; at += PIECE) {
      const bytes = convert(await this.read(name, offset + at, Math.min(PIECE, length - at)));
      uploadBytes(this.gpu, { ...target, offset: written }, bytes);
      written += bytes.byteLength;
    }
  }

  /** Uploads bytes of a tensor for a kernel to read as u32 words; valid until the next call. */
  async stage(name: string, offset: number, length: number): Promise<Tensor> {
    const words = Math.ceil(length / 4);
    const scratch = this.#scratch;
    // The copy overwrites the previous piece, so the commands that read it must be submitted.
    this.commands.submit();
    if (scratch.staging === null || scratch.staging.shape[0]! < words) {
      if (scratch.staging) this.gpu.memory.free(scratch.staging);
      scratch.staging = this.gpu.memory.tensor('u32', [words], 'staging', 'staging');
    }
    const staged = { ...scratch.staging, shape: [words] };
    await this.copy(name, offset, length, staged);
    return staged;
  }

  /** Ends loading: submits recorded commands and frees what only loading needs. */
  finish(): void {
    this.commands.submit();
    for (const tensor of this.#idle.splice(0)) this.gpu.memory.free(tensor);
    this.#freeScratch();
  }

  /** Frees everything, also after a failed load. */
  dispose(): void {
    // Destroyed buffers stay valid for submitted commands.
    if (!this.#disposed) this.commands.submit();
    this.#freeScratch();
    for (const tensor of [...this.#owned, ...this.#idle]) this.gpu.memory.free(tensor);
    this.#owned.clear();
    this.#idle = [];
    this.#disposed = true;
  }

  /** Hands its tensors over to a new context; commands that use them must be submitted. */
  giveUp(): Tensor[] {
    const tensors = [...this.#owned, ...this.#idle];
    this.#owned.clear();
    this.#idle = [];
    this.#freeScratch();
    return tensors;
  }

  async #fill(
    name: string,
    offset: number,
    memory: Uint8Array<ArrayBuffer>,
    from: Checkpoint,
  ): Promise<void> {
    (this.#scratch.opened ??= new Set()).add(from);
    await from.readInto(name, offset, memory);
    // The target may have been freed meanwhile.
    this.checkAlive();
    this.#onBytes(memory.byteLength);
  }

  #freeScratch(): void {
    if (!this.#ownsScratch) return;
    freeLoadScratch(this.gpu, this.#scratch);
  }

  #takeIdle(type: ElementType, shape: readonly number[]): Tensor | null {
    const size = byteLengthOf({ type, shape });
    // The smallest that fits: the last chunk of a matrix is smaller than the others.
    const [found] = this.#idle
      .filter((tensor) => tensor.type === type && tensor.buffer.size >= size)
      .sort((a, b) => a.buffer.size - b.buffer.size);
    if (!found) return null;
    this.#idle.splice(this.#idle.indexOf(found), 1);
    return { ...found, shape };
  }
}

/** Frees what loads have shared; commands they recorded must be submitted. */
export function freeLoadScratch(gpu: Gpu, scratch: LoadScratch): void {
  if (scratch.staging) gpu.memory.free(scratch.staging);
  scratch.staging = null;
  scratch.ring?.dispose();
  // Closing files late does no harm, and failures to close cannot be handled.
  for (const checkpoint of scratch.opened ?? []) checkpoint.release().catch(() => undefined);
  delete scratch.ring;
  delete scratch.opened;
  scratch.commands.dispose();
}

/** Rows rowStart … rowStart + rows − 1 of a matrix. */
export interface RowRange {
  rowStart: number;
  rows: number;
}

/** Splits rows into ranges of at most `limit` (but at least one unit); all except the last are multiples of `unit`. */
export function rowRanges(rows: number, limit: number, unit: number): RowRange[] {
  const step = Math.max(unit, Math.floor(limit / unit) * unit);
  const ranges: RowRange[] = [];
  for (let rowStart = 0; rowStart < rows; rowStart += step) {
    ranges.push({ rowStart, rows: Math.min(step, rows - rowStart) });
  }
  return ranges;
}
