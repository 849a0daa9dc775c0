import type { MicroBatch } from '../data/microBatch.ts';
import type { AdamWStep } from '../kernels/adamW.ts';
import { uploadBatch } from '../model/batchTensors.ts';
import type { Decoder } from '../model/decoder.ts';
import { headLoss } from '../model/head.ts';
import type { LoraAdapter } from '../model/loraAdapter.ts';
import type { OptimizerName } from './adamStates.ts';
import { Optimizer, type StepNumbers } from './optimizer.ts';

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
    this.#optimizer.begin();
    for (const [i, batch] of batches.entries()) {
      const mask = dropout.p > 0 ? { p: dropout.p, seed: dropout.seeds[i]! } : null;
      await this.#microBatch(batch, 1 / Math.max(1, targets), mask);
    }
    return { ...(await this.#optimizer.finish(settings)), targets };
  }

  async #microBatch(
    batch: MicroBatch,
    scale: number,
    dropout: { p: number; seed: number } | null,
  ): Promise<void> {
    const decoder = this.#decoder;
    const { workspace, spec, commands } = decoder;
    // The uploads below overwrite the last micro-batch's: its commands must be on their way.
    commands.submit();
    const trainsEmbedding = this.#adapter.savedMatrix('embedding') !== null;
    const tensors = uploadBatch(decoder.gpu, workspace, batch, trainsEmbedding);
    const pass = decoder.pass(tensors, { adapter: this.#adapter, strength: 1, dropout });
    const hidden = await decoder.forward(pass, tensors, true);
    const dHidden = workspace.get('dHidden', 'f32', [tensors.rows, spec.hiddenSize]);
    const losses = workspace.get('losses', 'f32', [Math.max(1, tensors.targets)], 'loss');
    const { grads } = this.#optimizer;
    const backward = { dHidden, grads };
    await headLoss(decoder, pass, tensors, { hidden: hidden[spec.layers]!, losses, scale, backward });
    if (tensors.targets === 0) return;
    this.#optimizer.addLosses(losses, tensors.targets);
    await decoder.backward(pass, hidden, dHidden, grads);
  }

  dispose(): void {
    this.#optimizer.dispose();
  }
}
