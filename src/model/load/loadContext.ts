import type { Checkpoint } from '../../formats/checkpoint.ts';
import type { Commands } from '../../gpu/commands.ts';
import type { Gpu } from '../../gpu/device.ts';
import type { MemoryPart } from '../../gpu/memory.ts';
import { byteLengthOf, type ElementType, type Tensor } from '../../gpu/tensor.ts';
import { uploadBytes } from '../../gpu/transfer.ts';
import { assert } from '../../lib/errors.ts';

/** Bytes read and uploaded at once: what JavaScript ever holds of a weight, and the GPU of its source. */
export const PIECE = 16 * 1024 * 1024;

/** What only loading needs; several loads that follow each other may share it. */
export interface LoadScratch {
  commands: Commands;
  staging: Tensor | null;
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
    assert(!this.#disposed, 'loading goes on after its end');
    const made = this.#takeIdle(type, shape) ?? this.gpu.memory.tensor(type, shape, label, part);
    this.#owned.add(made);
    return made;
  }

  /** Frees a tensor before the others, once the commands that use it are on their way. */
  free(tensor: Tensor): void {
    this.commands.submit();
    this.#owned.delete(tensor);
    this.gpu.memory.free(tensor);
  }

  /** Reads bytes of a tensor of the files, and counts them. A dry device is given zeros. */
  async read(name: string, offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    if (this.gpu.dry) return new Uint8Array(length);
    const bytes = await this.checkpoint.readRange(name, offset, length);
    this.#onBytes(length);
    return bytes;
  }

  /**
   * Brings bytes of a tensor into `target`, a piece after the other.
   * @param convert what becomes of each piece; without it the bytes stay as they are
   */
  async copy(
    name: string,
    offset: number,
    length: number,
    target: Tensor,
    convert: (piece: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer> = (piece) => piece,
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
    const bytes = this.gpu.dry ? null : await this.read(name, offset, length);
    const words = Math.ceil(length / 4);
    // The upload overwrites the piece before, whose commands must be on their way.
    this.commands.submit();
    const scratch = this.#scratch;
    if (scratch.staging === null || scratch.staging.shape[0]! < words) {
      if (scratch.staging) this.gpu.memory.free(scratch.staging);
      scratch.staging = this.gpu.memory.tensor('u32', [words], 'staging', 'staging');
    }
    if (bytes) uploadBytes(this.gpu, scratch.staging, bytes);
    return { ...scratch.staging, shape: [words] };
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

  #freeScratch(): void {
    if (!this.#ownsScratch) return;
    freeLoadScratch(this.gpu, this.#scratch);
  }

  #takeIdle(type: ElementType, shape: readonly number[]): Tensor | null {
    const size = byteLengthOf({ type, shape });
    const at = this.#idle.findIndex((tensor) => tensor.type === type && byteLengthOf(tensor) === size);
    const [found] = at < 0 ? [] : this.#idle.splice(at, 1);
    return found ? { ...found, shape } : null;
  }
}

/** Frees what loads have shared; what they recorded must be submitted. */
export function freeLoadScratch(gpu: Gpu, scratch: LoadScratch): void {
  if (scratch.staging) gpu.memory.free(scratch.staging);
  scratch.staging = null;
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
