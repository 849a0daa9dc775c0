import type { Commands } from '../gpu/commands.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { readFloats } from '../gpu/transfer.ts';
import type { AdamWStep } from '../kernels/adamW.ts';
import { gradNorm } from '../kernels/gradNorm.ts';
import { PARTIALS, sumInto } from '../kernels/sum.ts';
import type { LoraAdapter } from '../model/loraAdapter.ts';
import { createAdamStates, type AdamStates, type OptimizerName } from './adamStates.ts';

/** Places in the few numbers read back each step. */
const LOSS = 0;
const NORM = 1;
const SKIPPED = 2;

/** What a step tells: the sum of the targets' losses, the gradient's norm before clipping, and whether it was skipped. */
export interface StepNumbers {
  lossSum: number;
  gradNorm: number;
  /** The gradient was not finite, and nothing was changed. */
  skipped: boolean;
}

/** AdamW over the adapter's flat buffer, with the gradient's norm and clipping on the GPU. */
export class Optimizer {
  /** Gradients [count], in the adapter's layout. */
  readonly grads: Tensor;
  readonly #gpu: Gpu;
  readonly #adapter: LoraAdapter;
  readonly #commands: Commands;
  readonly #states: AdamStates;
  readonly #stats: Tensor;
  readonly #partials: Tensor;

  constructor(gpu: Gpu, adapter: LoraAdapter, commands: Commands, name: OptimizerName) {
    this.#gpu = gpu;
    this.#adapter = adapter;
    this.#commands = commands;
    this.grads = gpu.memory.tensor('f32', [adapter.count], 'LoRA gradients', 'gradients');
    this.#states = createAdamStates(gpu, adapter, name);
    this.#stats = gpu.memory.tensor('f32', [4], 'step numbers');
    this.#partials = gpu.memory.tensor('f32', [PARTIALS], 'reduction partials');
  }

  /** Begins a step: gradients and numbers are zero. */
  begin(): void {
    this.#commands.clear(this.grads);
    this.#commands.clear(this.#stats);
  }

  /** Adds the losses of a micro-batch to the step's sum. */
  addLosses(losses: Tensor, count: number): void {
    const partials = this.#partials;
    sumInto(this.#commands, {
      x: losses,
      count,
      stats: this.#stats,
      index: LOSS,
      accumulate: true,
      partials,
    });
  }

  /** Ends the step: norm, clip and update, then the one readback. Without settings nothing is updated. */
  async finish(settings: AdamWStep | null): Promise<StepNumbers> {
    const commands = this.#commands;
    const { grads } = this;
    const stats = this.#stats;
    gradNorm(commands, { grads, partials: this.#partials, stats, index: NORM });
    if (settings) {
      const { params } = this.#adapter;
      const places = { normIndex: NORM, skippedIndex: SKIPPED };
      this.#states.step(commands, { params, grads, stats, ...places, ...settings });
    }
    commands.submit();
    const numbers = await readFloats(this.#gpu, stats);
    return { lossSum: numbers[LOSS]!, gradNorm: numbers[NORM]!, skipped: numbers[SKIPPED] !== 0 };
  }

  dispose(): void {
    this.#states.dispose();
    for (const tensor of [this.grads, this.#stats, this.#partials]) this.#gpu.memory.free(tensor);
  }
}
