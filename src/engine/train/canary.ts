import type { Commands } from '../gpu/commands.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { NumberReader, upload } from '../gpu/transfer.ts';
import { GraftError } from '../../base/lib/errors.ts';

const WORDS = 1024;

/**
 * A little memory that is allocated after all else of a step. Not every driver reports when memory runs out: a canary that
 * does not hold what was written to it shows that the step's memory is not there, or is shared with something else.
 */
export class Canary {
  readonly #gpu: Gpu;
  readonly #tensor: Tensor;
  readonly #reader: NumberReader;
  #seed = 1;

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
    this.#tensor = gpu.memory.tensor('f32', [WORDS], 'canary');
    this.#reader = new NumberReader(gpu, this.#tensor);
    this.#write();
  }

  /**
   * Waits for the GPU, and checks what was written before all that it did. Throws how the device failed, and
   * `gpu.out_of_memory` where it is silent about that.
   */
  async check(commands: Commands): Promise<void> {
    const words = new Uint32Array((await this.#reader.read(commands)).buffer);
    const wanted = pattern(this.#seed);
    if (!this.#gpu.dry && words.some((word, i) => word !== wanted[i])) {
      throw new GraftError('gpu.out_of_memory', { bytes: this.#gpu.memory.bytes, label: 'canary' });
    }
    this.#seed += 1;
    this.#write();
  }

  #write(): void {
    upload(this.#gpu, this.#tensor, pattern(this.#seed));
  }

  dispose(): void {
    this.#reader.dispose();
    this.#gpu.memory.free(this.#tensor);
  }
}

/** Words that nothing else is likely to leave, as they are never NaN: a copy may not keep the bits of one. */
function pattern(seed: number): Uint32Array<ArrayBuffer> {
  return Uint32Array.from({ length: WORDS }, (_, i) => Math.imul(seed * WORDS + i, 0x9e3779b1) & 0x3fffffff);
}
