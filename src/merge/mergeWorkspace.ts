import type { Checkpoint } from '../formats/checkpoint.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { freeLoadScratch, LoadContext, type LoadScratch } from '../model/load/loadContext.ts';
import { Readback } from './readback.ts';

/** Bytes of tensors kept for the next matrix. */
const KEPT = 8 * 1024 * 1024;

/**
 * What the matrices of a merge use one after another: staging buffers, open files, tensors of the same sizes. Making
 * them anew for each of hundreds costs more than many a matrix. Nothing is made before it is needed.
 */
export class MergeWorkspace {
  readonly #gpu: Gpu;
  #scratch: LoadScratch | null = null;
  #readback: Readback | null = null;
  #idle: Tensor[] = [];

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  get readback(): Readback {
    return (this.#readback ??= new Readback(this.#gpu));
  }

  /** A context for one matrix; one at a time. */
  open(checkpoint: Checkpoint): LoadContext {
    this.#scratch ??= { commands: this.#gpu.commands(), staging: null };
    return new LoadContext(this.#gpu, checkpoint, undefined, this.#idle.splice(0), this.#scratch);
  }

  /** Takes its tensors back. */
  close(context: LoadContext): void {
    context.commands.submit();
    let bytes = 0;
    for (const tensor of context.giveUp()) {
      bytes += tensor.buffer.size;
      if (bytes <= KEPT) this.#idle.push(tensor);
      else this.#gpu.memory.free(tensor);
    }
  }

  /** Frees everything; it may be used again. */
  dispose(): void {
    this.#readback?.dispose();
    this.#readback = null;
    for (const tensor of this.#idle.splice(0)) this.#gpu.memory.free(tensor);
    if (this.#scratch) freeLoadScratch(this.#gpu, this.#scratch);
    this.#scratch = null;
  }
}
