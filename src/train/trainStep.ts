import type { MicroBatch } from '../data/microBatch.ts';
import type { AdamWStep } from '../kernels/adamW.ts';
import { uploadBatch } from '../model/batchTensors.ts';
import type { Decoder } from '../model/decoder.ts';
import { headLosses } from '../model/head.ts';
import type { LoraAdapter } from '../model/loraAdapter.ts';
import type { OptimizerName } from './adamStates.ts';
import { Optimizer, type StepNumbers } from './optimizer.ts';

/** A micro-batch and its dropout. */
interface MaskedBatch {
  batch: MicroBatch;
  dropout: { p: number; seed: number } | null;
}

/** Trains an adapter on a frozen decoder, one optimizer step at a time. */
export class StepRunner {
  readonly #decoder: Decoder;
  readonly #adapter: LoraAdapter;
  readonly #optimizer: Optimizer;

  constructor(decoder: Decoder, adapter: LoraAdapter, optimizer: OptimizerName = 'adamw') {
    this.#decoder = decoder;
    this.#adapter = adapter;
    this.#optimizer = new Optimizer(decoder.gpu, adapter, decoder.commands, optimizer);
  }

  /** The gradients the last step made, in the adapter's layout, before clipping. */
  get grads() {
    return this.#optimizer.grads;
  }

  /**
   * One optimizer step over its micro-batches: the loss is the sum over all their targets divided by the
   * number of targets of the whole step, never a mean of means.
   * @param dropout probability, and a seed for each micro-batch
   * @param settings those of AdamW, or null to leave the adapter and its states as they are and only look at the
   * gradients
   */
  async run(
    batches: readonly MicroBatch[],
    dropout: { p: number; seeds: readonly number[] },
    settings: AdamWStep | null,
  ): Promise<StepNumbers & { targets: number }> {
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
    return { ...(await this.#optimizer.finish(settings)), targets };
  }

  /** Losses and gradients of micro-batches that pass each block together. */
  async #addGradients(group: readonly MaskedBatch[], scale: number): Promise<void> {
    const decoder = this.#decoder;
    const { workspace, spec, commands } = decoder;
    const { grads } = this.#optimizer;
    const withPlaces = this.#adapter.savedMatrix('embedding') !== null;
    // The uploads below overwrite those of the group before: its commands must be on their way.
    commands.submit();
    const sequences = group.map(({ batch, dropout }, i) => {
      const name = i === 0 ? '' : ` of ${i + 1}`;
      const tensors = uploadBatch(decoder.gpu, workspace, batch, { withPlaces, name });
      const pass = decoder.pass(tensors, { adapter: this.#adapter, strength: 1, dropout });
      return { pass, batch: tensors, name };
    });
    const kept = await decoder.forwardAll(sequences);
    const heads = sequences.map(({ batch, name }, i) => ({
      batch,
      hidden: kept[i]!.last,
      losses: workspace.get(`losses${name}`, 'f32', [Math.max(1, batch.targets)], 'loss'),
      dHidden: workspace.get(`dHidden${name}`, 'f32', [batch.rows, spec.hiddenSize]),
      name,
    }));
    await headLosses(decoder, { adapter: this.#adapter, strength: 1, dropout: null }, heads, {
      scale,
      grads,
    });
    const trained = [];
    for (const [i, { batch, losses, dHidden }] of heads.entries()) {
      if (batch.targets === 0) continue;
      this.#optimizer.addLosses(losses, batch.targets);
      trained.push({ pass: sequences[i]!.pass, inputs: kept[i]!, dHidden });
    }
    // A longer micro-batch may replace scratch that these commands use.
    commands.submit();
    await decoder.backwardAll(trained, grads);
  }

  dispose(): void {
    this.#optimizer.dispose();
  }
}
