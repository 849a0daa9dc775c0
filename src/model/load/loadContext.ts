import type { Checkpoint } from '../../formats/checkpoint.ts';
import type { Commands } from '../../gpu/commands.ts';
import type { Gpu } from '../../gpu/device.ts';
import type { MemoryPart } from '../../gpu/memory.ts';
import { byteLengthOf, type ElementType, type Tensor } from '../../gpu/tensor.ts';
import { uploadBytes } from '../../gpu/transfer.ts';
import { RING_FROM, UploadRing } from '../../gpu/uploadRing.ts';
import { assert } from '../../lib/errors.ts';

/** Bytes that a kernel is given at once of a matrix it converts, and JavaScript where it converts. */
export const PIECE = 16 * 1024 * 1024;

/** What only loading needs; several loads that follow each other may share it. */
export interface LoadScratch {
  commands: Commands;
  staging: Tensor | null;
  /** Made when the first bytes go through it. */
  ring?: UploadRing;
  /** Whose files are kept open. */
  opened?: Set<Checkpoint>;
}

/** What bringing matrices to the GPU needs: the files, the device, and who owns the tensors that are made. */
export class LoadContext {
  readonly gpu: Gpu;
  readonly checkpoint: Checkpoint;
  readonly commands: Commands;
  readonly #onBytes: (bytes: number) => void;
  readonly #owned = new Set<Tensor>();
  /** Tensors of a block whose place this one takes. */
  #idle: Tensor[];
  /** Shared, or this load's own. */
  readonly #scratch: LoadScratch;
  readonly #ownsScratch: boolean;
  #disposed = false;

  /**
   * @param idle tensors that may be taken again; what is not is freed when loading ends
   * @param scratch shared with loads before and after, whose owner frees it
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

  /** Makes a tensor that lives until `dispose`, or `free`; what only loading needs counts as staging. */
  tensor(type: ElementType, shape: readonly number[], label: string, part: MemoryPart = 'weights'): Tensor {
    this.checkAlive();
    const made = this.#takeIdle(type, shape) ?? this.gpu.memory.tensor(type, shape, label, part);
    this.#owned.add(made);
    return made;
  }

  /** Throws where its tensors are gone: loading must stop. */
  checkAlive(): void {
    assert(!this.#disposed, 'loading goes on after its end');
  }

  /** Frees a tensor before the others, once the commands that use it are on their way. */
  free(tensor: Tensor): void {
    this.commands.submit();
    this.#owned.delete(tensor);
    this.gpu.memory.free(tensor);
  }

  /**
   * Reads bytes of a tensor, and counts them. A dry device is given zeros.
   * @param from the files it is in, where those are not the model's
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
   * Brings bytes of a tensor into `target` as they are: large ones through the ring, so that they are nowhere else on
   * their way.
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

  /** The same where JavaScript converts the bytes, a piece after the other. */
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

  /** Brings bytes of a tensor to the GPU for a kernel to read as u32 words: they hold until the next piece. */
  async stage(name: string, offset: number, length: number): Promise<Tensor> {
    const words = Math.ceil(length / 4);
    const scratch = this.#scratch;
    // The copy overwrites the piece before, whose commands must be on their way.
    this.commands.submit();
    if (scratch.staging === null || scratch.staging.shape[0]! < words) {
      if (scratch.staging) this.gpu.memory.free(scratch.staging);
      scratch.staging = this.gpu.memory.tensor('u32', [words], 'staging', 'staging');
    }
    const staged = { ...scratch.staging, shape: [words] };
    await this.copy(name, offset, length, staged);
    return staged;
  }

  /** Ends loading: submits what is recorded and frees what only loading needs. */
  finish(): void {
    this.commands.submit();
    for (const tensor of this.#idle.splice(0)) this.gpu.memory.free(tensor);
    this.#freeScratch();
  }

  /** Frees everything, also after a load that failed half-way. */
  dispose(): void {
    // A destroyed buffer lives on until the queue has passed the commands that use it.
    if (!this.#disposed) this.commands.submit();
    this.#freeScratch();
    for (const tensor of [...this.#owned, ...this.#idle]) this.gpu.memory.free(tensor);
    this.#owned.clear();
    this.#idle = [];
    this.#disposed = true;
  }

  /** Its tensors, for a context that takes its place; what used them must be submitted. */
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
    // What the bytes are for may be gone.
    this.checkAlive();
    this.#onBytes(memory.byteLength);
  }

  #freeScratch(): void {
    if (!this.#ownsScratch) return;
    freeLoadScratch(this.gpu, this.#scratch);
  }

  #takeIdle(type: ElementType, shape: readonly number[]): Tensor | null {
    const size = byteLengthOf({ type, shape });
    // The smallest that holds it: the last part of a matrix is smaller than the others whose place it takes.
    const [found] = this.#idle
      .filter((tensor) => tensor.type === type && tensor.buffer.size >= size)
      .sort((a, b) => a.buffer.size - b.buffer.size);
    if (!found) return null;
    this.#idle.splice(this.#idle.indexOf(found), 1);
    return { ...found, shape };
  }
}

/** Frees what loads have shared; what they recorded must be submitted. */
export function freeLoadScratch(gpu: Gpu, scratch: LoadScratch): void {
  if (scratch.staging) gpu.memory.free(scratch.staging);
  scratch.staging = null;
  scratch.ring?.dispose();
  // Files that are closed late do no harm, and one that cannot be closed cannot be helped.
  for (const checkpoint of scratch.opened ?? []) checkpoint.release().catch(() => undefined);
  delete scratch.ring;
  delete scratch.opened;
  scratch.commands.dispose();
}

/** Rows first … first + rows − 1 of a matrix. */
export interface RowRange {
  rowStart: number;
  rows: number;
}

/** Splits rows into ranges of at most `limit`, each but the last a multiple of `unit`; at least one unit each. */
export function rowRanges(rows: number, limit: number, unit: number): RowRange[] {
  const step = Math.max(unit, Math.floor(limit / unit) * unit);
  const ranges: RowRange[] = [];
  for (let rowStart = 0; rowStart < rows; rowStart += step) {
    ranges.push({ rowStart, rows: Math.min(step, rows - rowStart) });
  }
  return ranges;
}
