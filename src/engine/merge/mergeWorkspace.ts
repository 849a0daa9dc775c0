import type { Checkpoint } from '../../content/formats/checkpoint.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { freeLoadScratch, LoadContext, type LoadScratch } from '../model/weights/load/loadContext.ts';
import { Readback } from './readback.ts';

/** Tensors up to this many bytes are reused for the next matrix. */
const KEPT = 8 * 1024 * 1024;

/**
 * What consecutive matrices of a merge share: staging buffers, open files, tensors of the same sizes. Allocating them
 * for each of hundreds of matrices would cost more than many of the matrices. Everything is allocated on first use.
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

  /** A context for one matrix; only one at a time. */
  open(checkpoint: Checkpoint): LoadContext {
    this.#scratch ??= { commands: this.#gpu.commands(), staging: null };
    return new LoadContext(this.#gpu, checkpoint, undefined, this.#idle.splice(0), this.#scratch);
  }

  /** Recycles a context's tensors. */
  close(context: LoadContext): void {
    context.commands.submit();
    let bytes = 0;
    for (const tensor of context.giveUp()) {
      bytes += tensor.buffer.size;
      if (bytes <= KEPT) this.#idle.push(tensor);
      else this.#gpu.memory.free(tensor);
    }
  }

  /** Frees everything; it can be used again. */
  dispose(): void {
    this.#readback?.dispose();
    this.#readback = null;
    for (const tensor of this.#idle.splice(0)) this.#gpu.memory.free(tensor);
    if (this.#scratch) freeLoadScratch(this.#gpu, this.#scratch);
    this.#scratch = null;
  }
}
