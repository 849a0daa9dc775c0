import type { MicroBatch } from '../data/microBatch.ts';
import type { Tensor } from '../gpu/tensor.ts';
import type { AdamWStep } from '../kernels/adamW.ts';
import { uploadBatch } from '../model/batchTensors.ts';
import type { Decoder } from '../model/decoder.ts';
import { headLosses } from '../model/head.ts';
import type { LoraAdapter } from '../model/loraAdapter.ts';
import type { Trainable } from '../model/trainable.ts';
import type { OptimizerName } from './adamStates.ts';
import { Canary } from './canary.ts';
import { changeRank, readAll, writeAll } from './rankSchedule.ts';
import { Optimizer, type StepLimits, type StepNumbers } from './optimizer.ts';

/** A micro-batch and its dropout. */
interface MaskedBatch {
  batch: MicroBatch;
  dropout: { p: number; seed: number } | null;
}

/** Dropout on the adapter's inputs: its probability, and a seed for each micro-batch of a step. */
export interface StepDropout {
  p: number;
  seeds: readonly number[];
}

/** Trains an adapter on a frozen decoder, or the whole of it, one optimizer step at a time. */
export class StepRunner {
  readonly #decoder: Decoder;
  readonly #adapter: Trainable;
  #optimizer: Optimizer;
  #canary: Canary | null = null;

  constructor(decoder: Decoder, adapter: Trainable, optimizer: OptimizerName = 'adamw') {
    this.#decoder = decoder;
    this.#adapter = adapter;
    this.#optimizer = new Optimizer(decoder.gpu, adapter, decoder.commands, optimizer);
  }

  /** The gradients the last step made, in the adapter's layout, before clipping. */
  get grads() {
    return this.#optimizer.grads;
  }

  /** All that a later step depends on: parameters, m and v, by names for checkpoints (`m.0`: of the first buffer). */
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
  async changeRank(adapter: LoraAdapter, rank: number, seed: number): Promise<void> {
    const { gpu, commands } = this.#decoder;
    const { states } = this.#optimizer;
    const names = Object.keys(states[0] ?? {});
    const kept = new Map<string, Float32Array[]>();
    for (const name of names)
      kept.set(
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
    for (const [name, values] of kept) {
      writeAll(
        gpu,
        this.#optimizer.states.map((tensors) => tensors[name]!),
        move(values),
      );
    }
  }

  /**
   * One optimizer step over its micro-batches: the loss is the sum over all their targets, each times its weight,
   * divided by the number of targets of the whole step, never a mean of means.
   * @param dropout probability, and a seed for each micro-batch
   * @param settings those of AdamW, or null to leave the adapter and its states as they are and only look at the
   * gradients
   */
  async run(
    batches: readonly MicroBatch[],
    dropout: StepDropout,
    settings: AdamWStep | null,
  ): Promise<StepNumbers & { targets: number }> {
    const targets = await this.gradients(batches, dropout);
    return { ...(await this.update(settings)), targets };
  }

  /**
   * The first half of a step: its losses and gradients, which `update` follows. All of it is submitted when this
   * resolves, and nothing is waited for. It may begin while the numbers of the step before are on their way.
   * @returns targets of the step
   */
  async gradients(batches: readonly MicroBatch[], dropout: StepDropout): Promise<number> {
    const targets = batches.reduce((sum, batch) => sum + batch.targetRows.length, 0);
    const scale = 1 / Math.max(1, targets);
    this.#optimizer.begin();
    const masked = batches.map((batch, i) => ({
      batch,
      dropout: dropout.p > 0 ? { p: dropout.p, seed: dropout.seeds[i]! } : null,
    }));
    // Weights that come from disk should come once for all micro-batches; others leave room for one at a time.
    const groups = this.#decoder.weights.streams ? [masked] : masked.map((one) => [one]);
    for (const group of groups) await this.#addGradients(group, scale);
    this.#decoder.commands.submit();
    // Last of all that a step takes.
    this.#canary ??= new Canary(this.#decoder.gpu);
    return targets;
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
  async #addGradients(group: readonly MaskedBatch[], scale: number): Promise<void> {
    const decoder = this.#decoder;
    const { workspace, spec, commands } = decoder;
    const { grads } = this.#optimizer;
    const withPlaces = this.#adapter.vocabulary('embedding') !== null;
    // The uploads below overwrite those of the group before: its commands must be on their way.
    commands.submit();
    const sequences = group.map(({ batch, dropout }, i) => {
      const name = i === 0 ? '' : ` of ${i + 1}`;
      const tensors = uploadBatch(decoder.gpu, workspace, batch, { withPlaces, name });
      const pass = decoder.pass(tensors, { adapter: this.#adapter, strength: 1, dropout });
      return { pass, batch: tensors, name };
    });
    const kept = await commands.scope('forward', () => decoder.forwardAll(sequences));
    const heads = sequences.map(({ batch, name }, i) => ({
      batch,
      hidden: kept[i]!.last,
      losses: workspace.get(`losses${name}`, 'f32', [Math.max(1, batch.targets)], 'loss'),
      dHidden: workspace.get(`dHidden${name}`, 'f32', [batch.rows, spec.hiddenSize]),
      name,
      dropout: sequences[i]!.pass.dropout,
    }));
    const use = { adapter: this.#adapter, strength: 1, dropout: null };
    await commands.scope('head', () => headLosses(decoder, use, heads, { scale, grads }));
    const trained: Parameters<Decoder['backwardAll']>[0][number][] = [];
    for (const [i, { batch, losses, dHidden }] of heads.entries()) {
      if (batch.targets === 0) continue;
      this.#optimizer.addLosses(losses, batch.targets);
      trained.push({ pass: sequences[i]!.pass, inputs: kept[i]!, dHidden });
    }
    await commands.scope('backward', () => decoder.backwardAll(trained, grads));
  }

  dispose(): void {
    this.#optimizer.dispose();
    this.#canary?.dispose();
  }
}
