import type { Commands } from '../gpu/commands.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { NumberReader } from '../gpu/transfer.ts';
import type { AdamWStep } from '../kernels/adamW.ts';
import { gradNorm } from '../kernels/gradNorm.ts';
import { spikeGuard } from '../kernels/spikeGuard.ts';
import { PARTIALS, sumInto } from '../kernels/sum.ts';
import type { ParameterBuffers } from '../model/decoder/parameters.ts';
import type { Trainable } from '../model/trained/trainable.ts';
import type { AdamStates, OptimizerName } from './adamStates.ts';
import { createAdamStates } from './createAdamStates.ts';

/** Indices of the numbers read back each step. */
const LOSS = 0;
const NORM = 1;
const SKIPPED = 2;
/** The norm that AdamW gets: infinite where the step is to be skipped. */
const GUARDED = 3;

/** Sum of the targets' losses and norm of the gradient that a step must not exceed. */
export interface StepLimits {
  lossSum: number;
  gradNorm: number;
}

/** The numbers of a step: the sum of the targets' losses, the gradient's norm before clipping, and whether it was skipped. */
export interface StepNumbers {
  lossSum: number;
  gradNorm: number;
  /** The gradient was not finite or a limit was exceeded, and nothing was changed. */
  skipped: boolean;
}

/** AdamW over the trained parameters, with the gradient's norm and clipping on the GPU. */
export class Optimizer {
  /** In the layout of the parameters. */
  readonly grads: ParameterBuffers;
  readonly #gpu: Gpu;
  readonly #adapter: Trainable;
  readonly #commands: Commands;
  /** Of each buffer of the parameters. */
  readonly #states: readonly AdamStates[];
  readonly #stats: Tensor;
  readonly #partials: Tensor;
  readonly #reader: NumberReader;

  constructor(
    gpu: Gpu,
    adapter: Trainable,
    commands: Commands,
    readonly name: OptimizerName,
  ) {
    this.#gpu = gpu;
    this.#adapter = adapter;
    this.#commands = commands;
    this.grads = adapter.makeGradients();
    this.#states = adapter.segments.map((segment) => createAdamStates(gpu, segment, name));
    this.#stats = gpu.memory.tensor('f32', [4], 'step numbers');
    this.#partials = gpu.memory.tensor('f32', [PARTIALS * this.grads.length], 'reduction partials');
    this.#reader = new NumberReader(gpu, this.#stats);
  }

  /** m and v of each buffer of the parameters, by names for checkpoints. */
  get states(): readonly Readonly<Record<string, Tensor>>[] {
    return this.#states.map(({ tensors }) => tensors);
  }

  /** Begins a step: gradients and numbers are zero. */
  begin(): void {
    for (const buffer of this.grads) this.#commands.clear(buffer);
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

  /**
   * Ends the step: norm, clip and update, then the one readback. Without settings nothing is updated. All of it is
   * submitted when this returns; the numbers come later, and the next step may begin before. One step at a time.
   * @param limits above which nothing is updated either
   */
  async finish(settings: AdamWStep | null, limits: StepLimits | null = null): Promise<StepNumbers> {
    const commands = this.#commands;
    commands.scope('optimizer', () => this.#update(settings, limits));
    const numbers = await this.#reader.read(commands);
    return { lossSum: numbers[LOSS]!, gradNorm: numbers[NORM]!, skipped: numbers[SKIPPED] !== 0 };
  }

  #update(settings: AdamWStep | null, limits: StepLimits | null): void {
    const commands = this.#commands;
    const { grads } = this;
    const stats = this.#stats;
    gradNorm(commands, { grads, partials: this.#partials, stats, index: NORM });
    if (!settings) return;
    const { params, segments } = this.#adapter;
    if (limits) {
      const read = { lossIndex: LOSS, normIndex: NORM, guardedIndex: GUARDED };
      spikeGuard(commands, { stats, ...read, lossLimit: limits.lossSum, normLimit: limits.gradNorm });
    }
    const places = { normIndex: limits ? GUARDED : NORM, skippedIndex: SKIPPED };
    this.#states.forEach((states, i) => {
      const buffers = { params: params[i]!, grads: grads[i]!, stats };
      const weightDecay = segments[i]!.decays ? settings.weightDecay : 0;
      const lr = settings.lr * segments[i]!.lrScale;
      states.step(commands, { ...buffers, ...places, ...settings, lr, weightDecay });
    });
  }

  dispose(): void {
    this.#reader.dispose();
    for (const states of this.#states) states.dispose();
    for (const tensor of [...this.grads, this.#stats, this.#partials]) this.#gpu.memory.free(tensor);
  }
}
