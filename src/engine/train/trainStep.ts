import type { MicroBatch } from '../../content/data/tokens/microBatch.ts';
import type { Tensor } from '../gpu/tensor.ts';
import type { AdamWStep } from '../kernels/adamW.ts';
import { uploadBatch } from '../model/decoder/batchTensors.ts';
import type { KeptInputs } from '../model/decoder/blockInputs.ts';
import type { Decoder } from '../model/decoder/decoder.ts';
import { headLosses } from '../model/decoder/head.ts';
import type { Growable, Trainable } from '../model/trained/trainable.ts';
import type { OptimizerName } from './adamStates.ts';
import { Canary } from './canary.ts';
import { changeRank, readAll, writeAll } from './rankSchedule.ts';
import { nameOfBatch } from './evaluate.ts';
import type { BatchJudge, ObjectiveCounts, StepObjective } from './objective.ts';
import { Optimizer, type StepLimits, type StepNumbers } from './optimizer.ts';

/** A micro-batch, its dropout and the noise on its embeddings. */
interface MaskedBatch {
  batch: MicroBatch;
  dropout: { p: number; seed: number } | null;
  noise: { alpha: number; seed: number } | null;
}

/** What is random in a step: dropout on the adapter's inputs, noise on the embeddings, and a seed for each micro-batch. */
export interface StepDropout {
  /** The probability of dropping. */
  p: number;
  /** NEFTune's alpha; by default 0, no noise. */
  noiseAlpha?: number;
  seeds: readonly number[];
}

/** What a step was of. */
export interface StepCounts extends ObjectiveCounts {
  /** Supervised tokens. */
  targets: number;
  /** What the sum of the step's losses is divided by. */
  lossCount: number;
}

/** Trains an adapter on a frozen decoder, or the whole of it, one optimizer step at a time. */
export class StepRunner {
  readonly #decoder: Decoder;
  readonly #adapter: Trainable;
  #optimizer: Optimizer;
  #canary: Canary | null = null;

  readonly #kept: KeptInputs;
  readonly #objective: StepObjective | null;

  /**
   * @param kept how the inputs of blocks are kept for the backward pass
   * @param objective what is made of the losses of targets; null for their mean
   */
  constructor(
    decoder: Decoder,
    adapter: Trainable,
    optimizer: OptimizerName = 'adamw',
    kept: KeptInputs = 'f32',
    objective: StepObjective | null = null,
  ) {
    this.#decoder = decoder;
    this.#adapter = adapter;
    this.#kept = kept;
    this.#objective = objective;
    this.#optimizer = new Optimizer(decoder.gpu, adapter, decoder.commands, optimizer);
  }

  /** The gradients the last step made, in the adapter's layout, before clipping. */
  get grads() {
    return this.#optimizer.grads;
  }

  /** Everything that a later step depends on: parameters, m and v, by names for checkpoints (`m.0`: of the first buffer). */
  get tensors(): Map<string, Tensor> {
    const named = this.#adapter.params.map((tensor, i): [string, Tensor] => [`parameters.${i}`, tensor]);
    const states = this.#optimizer.states.flatMap((tensors, i) =>
      Object.entries(tensors).map(([name, tensor]): [string, Tensor] => [`${name}.${i}`, tensor]),
    );
    return new Map([...named, ...states]);
  }

  /**
   * Trains the adapter at another rank from here on. m and v of what was there stay; those of new rows and columns are
   * zero, as at the start of a run.
   */
  async changeRank(adapter: Growable, rank: number, seed: number): Promise<void> {
    const { gpu, commands } = this.#decoder;
    const { states } = this.#optimizer;
    const names = Object.keys(states[0] ?? {});
    const before = new Map<string, Float32Array[]>();
    for (const name of names)
      before.set(
        name,
        await readAll(
          gpu,
          states.map((tensors) => tensors[name]!),
        ),
      );
    const params = await readAll(gpu, adapter.params);
    const optimizer = this.#optimizer.name;
    this.#optimizer.dispose();
    const move = await changeRank(adapter, rank, seed, params);
    this.#optimizer = new Optimizer(gpu, adapter, commands, optimizer);
    for (const [name, values] of before) {
      writeAll(
        gpu,
        this.#optimizer.states.map((tensors) => tensors[name]!),
        move(values),
      );
    }
  }

  /**
   * One optimizer step over its micro-batches: the loss is the sum over all their targets, each times its weight,
   * divided by the number of targets of the whole step, never a mean of means. With an objective of another kind it is
   * the sum of what that makes of micro-batches.
   * @param dropout probability, and a seed for each micro-batch
   * @param settings those of AdamW, or null to leave the adapter and its states as they are and only look at the
   * gradients
   */
  async run(
    batches: readonly MicroBatch[],
    dropout: StepDropout,
    settings: AdamWStep | null,
  ): Promise<StepNumbers & StepCounts> {
    const counts = await this.gradients(batches, dropout);
    return { ...(await this.update(settings)), ...counts };
  }

  /**
   * The first half of a step: its losses and gradients, which `update` follows. All of it is submitted when this
   * resolves, without waiting for the GPU, except that gradients of an objective wait for its losses. It may begin
   * while the numbers of the step before are on their way.
   */
  async gradients(batches: readonly MicroBatch[], dropout: StepDropout): Promise<StepCounts> {
    const targets = batches.reduce((sum, batch) => sum + batch.targetRows.length, 0);
    const share = 1 / batches.length;
    const objective = this.#objective;
    const scale = objective ? 1 : 1 / Math.max(1, targets);
    const numbers: unknown[] = [];
    this.#optimizer.begin();
    const masked = batches.map((batch, i) => ({
      batch,
      dropout: dropout.p > 0 ? { p: dropout.p, seed: dropout.seeds[i]! } : null,
      noise: dropout.noiseAlpha ? { alpha: dropout.noiseAlpha, seed: dropout.seeds[i]! } : null,
    }));
    // Weights that come from disk should come once for all micro-batches; others leave room for one at a time.
    const groups = this.#decoder.weights.streams ? [masked] : masked.map((one) => [one]);
    for (const group of groups) {
      const own = group.map(({ batch }) => batch);
      const judge = objective && (await objective.judge(this.#decoder, this.#adapter, own, share));
      await this.#addGradients(group, scale, judge);
      numbers.push(...(judge?.numbers() ?? []));
    }
    this.#decoder.commands.submit();
    // The last allocation of a step.
    this.#canary ??= new Canary(this.#decoder.gpu);
    return objective
      ? { targets, lossCount: 1, ...objective.summarize(numbers) }
      : { targets, lossCount: targets, rewards: null, completions: null };
  }

  /** Waits for the gradients, and checks that the memory of a step is there. Throws `gpu.out_of_memory`. */
  async checkMemory(): Promise<void> {
    await this.#canary?.check(this.#decoder.commands);
  }

  /** The second half: norm, clip and update, submitted at once, and its numbers when they are there. */
  update(settings: AdamWStep | null, limits: StepLimits | null = null): Promise<StepNumbers> {
    return this.#optimizer.finish(settings, limits);
  }

  /** Losses and gradients of micro-batches that pass each block together. */
  async #addGradients(group: readonly MaskedBatch[], scale: number, judge: BatchJudge | null): Promise<void> {
    const decoder = this.#decoder;
    const { workspace, spec, commands } = decoder;
    const { grads } = this.#optimizer;
    const withTokenPositions = this.#adapter.vocabulary('embedding') !== null;
    // The uploads below overwrite those of the group before: its commands must be on their way.
    commands.submit();
    const sequences = group.map(({ batch, dropout, noise }, i) => {
      const name = nameOfBatch(i);
      const tensors = uploadBatch(decoder.gpu, workspace, batch, { withTokenPositions, name });
      const pass = decoder.pass(tensors, { adapter: this.#adapter, strength: 1, dropout, noise });
      return { pass, batch: tensors, name };
    });
    const activations = await commands.scope('forward', () => decoder.forwardAll(sequences, this.#kept));
    const heads = sequences.map(({ batch, name }, i) => ({
      batch,
      hidden: activations[i]!.last,
      losses: workspace.get(`losses${name}`, 'f32', [Math.max(1, batch.targets)], 'loss'),
      dHidden: workspace.get(`dHidden${name}`, 'f32', [batch.rows, spec.hiddenSize]),
      gradientWeights: judge?.weights(i) ?? null,
      form: judge?.form,
      name,
      dropout: sequences[i]!.pass.dropout,
    }));
    const use = { adapter: this.#adapter, strength: 1, dropout: null };
    const weigh = judge ? () => judge.weigh(heads.map(({ losses }) => losses)) : undefined;
    await commands.scope('head', () => headLosses(decoder, use, heads, { scale, grads, weigh }));
    const trained: Parameters<Decoder['backwardAll']>[0][number][] = [];
    for (const [i, { batch, losses, dHidden }] of heads.entries()) {
      if (batch.targets === 0) continue;
      if (judge) this.#optimizer.addLosses(judge.loss(i), 1);
      else this.#optimizer.addLosses(losses, batch.targets);
      trained.push({ pass: sequences[i]!.pass, inputs: activations[i]!, dHidden });
    }
    await commands.scope('backward', () => decoder.backwardAll(trained, grads));
  }

  dispose(): void {
    this.#optimizer.dispose();
    this.#canary?.dispose();
  }
}
