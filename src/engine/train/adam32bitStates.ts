import type { Commands } from '../gpu/commands.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { adamW, type AdamWOptions } from '../kernels/adamW.ts';
import type { Segment } from '../model/decoder/parameters.ts';
import type { AdamStates } from './adamStates.ts';

/** m and v in f32, in the layout of the parameters. */
export class Adam32bitStates implements AdamStates {
  readonly #gpu: Gpu;
  readonly #count: number;
  readonly #m: Tensor;
  readonly #v: Tensor;

  constructor(gpu: Gpu, { count }: Segment) {
    this.#gpu = gpu;
    this.#count = count;
    this.#m = gpu.memory.tensor('f32', [count], 'AdamW m', 'optimizer');
    this.#v = gpu.memory.tensor('f32', [count], 'AdamW v', 'optimizer');
  }

  get tensors(): Record<string, Tensor> {
    return { m: this.#m, v: this.#v };
  }

  step(commands: Commands, options: AdamWOptions): void {
    adamW(commands, { ...options, m: this.#m, v: this.#v, count: this.#count });
  }

  dispose(): void {
    for (const tensor of [this.#m, this.#v]) this.#gpu.memory.free(tensor);
  }
}
