import type { ActivationDtype } from '../../../base/config/runRecord.ts';
import type { Commands } from '../../gpu/commands.ts';
import type { Gpu } from '../../gpu/device.ts';
import type { Tensor } from '../../gpu/tensor.ts';
import { upload } from '../../gpu/transfer.ts';
import type { BatchTensors } from './batchTensors.ts';
import { inputsOnDisk, inputsOnGpu, type BlockInputs, type KeptInputs } from './blockInputs.ts';
import { inputsInFewerBits } from './inputsInFewerBits.ts';
import { blockBackward, blockForward } from './block.ts';
import { embed, embedBackward } from './embed.ts';
import type { LayerState } from './mixers/mixer.ts';
import { Pace, STEPS_AHEAD } from './pace.ts';
import type { Dropout, EmbeddingNoise, Pass } from './pass.ts';
import type { ParameterBuffers } from './parameters.ts';
import { Rotations } from './rotations.ts';
import type { DecoderSpec } from '../spec/spec.ts';
import type { SpillFile } from './spillFile.ts';
import { activeTrainable, type Trainable } from '../trained/trainable.ts';
import type { WeightSource } from '../weights/weights.ts';
import { mlpRows } from './wideTensors.ts';
import { Workspace } from './workspace.ts';

/** Number of blocks to prefetch: the slots besides that of the current block. */
const PREFETCHED_BLOCKS = 2;

/**
 * The blocks that follow `layer` on the way from `start` to `end`, and then back: in the backward pass, or in the next
 * step.
 */
function ahead(layer: number, end: number, start: number): number[] {
  const step = end >= start ? 1 : -1;
  const left = Math.abs(end - layer);
  return Array.from({ length: PREFETCHED_BLOCKS }, (_, i) => {
    if (i < left) return layer + (i + 1) * step;
    // The forward pass ends with the block that the backward pass starts with, which is already loaded.
    return step === 1 ? end - 1 - (i - left) : i - left;
  }).filter((next) => next >= 0 && next <= Math.max(end, start) && next !== layer);
}

/** What a pass applies to the base model: an adapter or fully trained weights. */
export interface AdapterUse {
  adapter: Trainable | null;
  strength: number;
  dropout: Dropout | null;
  noise?: EmbeddingNoise | null;
}

/** The base model alone. */
export const withoutAdapter: AdapterUse = { adapter: null, strength: 0, dropout: null };

/** A micro-batch in the decoder; `name` distinguishes its tensors from those of others processed with it. */
export interface Sequence {
  pass: Pass;
  batch: BatchTensors;
  name?: string;
}

/** A decoder on the GPU: the forward and backward pass through its blocks. */
export class Decoder {
  readonly gpu: Gpu;
  readonly spec: DecoderSpec;
  readonly weights: WeightSource;
  /** Element type of the activations inside a block. */
  readonly type: ActivationDtype;
  readonly workspace: Workspace;
  readonly commands: Commands;
  /** Disk storage for block inputs; null stores them on the GPU. */
  readonly spill: SpillFile | null;
  readonly #rotations: Rotations;
  /** The pass that last used the workspace in the last block. */
  #freshest: Pass | null = null;
  /** The pass whose blocks all store their activations for the backward pass. */
  #storing: Pass | null = null;

  constructor(
    gpu: Gpu,
    spec: DecoderSpec,
    weights: WeightSource,
    type: ActivationDtype,
    spill: SpillFile | null = null,
  ) {
    this.gpu = gpu;
    this.spec = spec;
    this.weights = weights;
    this.type = type;
    this.spill = spill;
    this.workspace = new Workspace(gpu);
    this.commands = gpu.commands();
    this.#rotations = new Rotations(gpu, spec);
  }

  /** Tokens beyond which the keys of a cache have to be computed again (longrope); infinite in most models. */
  get cacheLimit(): number {
    return this.#rotations.lengthLimit;
  }

  /** The context of a pass over `batch`. */
  pass(batch: BatchTensors, use: AdapterUse): Pass {
    return {
      ...use,
      commands: this.commands,
      workspace: this.workspace,
      spec: this.spec,
      type: this.type,
      rows: batch.rows,
      tokens: batch.tokens,
      positions: batch.positions,
      segmentStart: batch.segmentStart,
      segmentEnd: batch.segmentEnd,
      tokenPositions: batch.tokenPositions,
      rotationOf: this.#rotations.at(batch.longest),
      activationSuffix: '',
    };
  }

  /** The pass within a block, with activations of the block's own if they are stored. */
  #inBlock(pass: Pass, layer: number): Pass {
    return pass === this.#storing ? { ...pass, activationSuffix: ` ${layer}` } : pass;
  }

  /** Decides, before a forward pass that a backward pass follows, whether activations are stored. */
  #chooseStored(sequences: readonly { pass: Pass }[]): void {
    const [first] = sequences;
    // An MLP computed in parts leaves only the last part's activations.
    const stores =
      first !== undefined &&
      sequences.length === 1 &&
      activeTrainable(first.pass)?.keepsActivations &&
      mlpRows(first.pass) === first.pass.rows;
    this.#storing = stores ? first.pass : null;
  }

  /**
   * Runs a micro-batch through all blocks.
   * @param keep whether `backward` follows: each block input then has its own tensor, else all share one that holds the
   *   last
   * @param states what each layer remembers, when decoding
   * @returns the residual stream before each block, all [T, d] f32: [0] is the embedding, [layers] the input of the
   *   head
   */
  async forward(pass: Pass, batch: BatchTensors, keep: boolean, states?: LayerState[]): Promise<Tensor[]> {
    const { workspace, spec } = this;
    const shape = [batch.rows, spec.hiddenSize];
    const hidden = Array.from({ length: spec.layers + 1 }, (_, layer) =>
      keep ? workspace.get(`hidden ${layer}`, 'f32', shape, 'kept') : workspace.get('hidden', 'f32', shape),
    );
    if (keep) this.#chooseStored([{ pass }]);
    await this.#forwardThrough([{ pass, batch, inputs: inputsOnGpu(hidden) }], states);
    return hidden;
  }

  /**
   * The forward pass of several micro-batches that nothing follows: each keeps only its latest activations, and streamed
   * weights are read once for all.
   * @returns [T, d] f32 of each, the input of the head
   */
  async forwardLast(sequences: readonly Sequence[]): Promise<Tensor[]> {
    const { workspace, spec } = this;
    const hidden = sequences.map(({ batch, name = '' }) =>
      workspace.get(`hidden${name}`, 'f32', [batch.rows, spec.hiddenSize]),
    );
    await this.#forwardThrough(
      sequences.map((sequence, i) => ({
        ...sequence,
        inputs: inputsOnGpu(Array.from({ length: spec.layers + 1 }, () => hidden[i]!)),
      })),
    );
    return hidden;
  }

  /**
   * The forward pass of several micro-batches, to be followed by `backwardAll`. All of them pass through a block before
   * the next is loaded, so that streamed weights are read only once.
   * @param kept how block inputs are kept until then
   */
  async forwardAll(sequences: readonly Sequence[], kept: KeptInputs = 'f32'): Promise<BlockInputs[]> {
    const { commands, workspace, spec, spill } = this;
    await spill?.clear();
    const all = sequences.map(({ batch, name = '' }) => {
      const shape = [batch.rows, spec.hiddenSize] as const;
      if (kept !== 'f32')
        return inputsInFewerBits(kept, { commands, workspace, spill }, spec.layers, shape, name);
      if (spill) return inputsOnDisk(spill, workspace, shape, name);
      const hidden = Array.from({ length: spec.layers + 1 }, (_, layer) =>
        workspace.get(`hidden ${layer}${name}`, 'f32', shape, 'kept'),
      );
      return inputsOnGpu(hidden);
    });
    this.#chooseStored(sequences);
    await this.#forwardThrough(sequences.map((sequence, i) => ({ ...sequence, inputs: all[i]! })));
    return all;
  }

  async #forwardThrough(
    sequences: readonly (Sequence & { inputs: BlockInputs })[],
    states?: readonly LayerState[],
  ): Promise<void> {
    const { commands, spec, weights: source } = this;
    for (const { pass, batch, inputs } of sequences) await this.#embed(pass, batch, inputs.before(0));
    const counted = this.#counted(sequences);
    for (let layer = 0; layer < spec.layers; layer++) {
      const frozen = await source.block(layer);
      source.prefetch(ahead(layer, spec.layers - 1, 0));
      for (const { pass, inputs } of counted) {
        await inputs.keep(layer);
        const [x, y] = [inputs.before(layer), inputs.before(layer + 1)];
        const weights = activeTrainable(pass)?.block(layer) ?? frozen;
        commands.scope(`layer ${layer}`, () =>
          blockForward(this.#inBlock(pass, layer), layer, weights, { x, y, state: states?.[layer] ?? null }),
        );
        this.#endPart();
      }
      source.release(layer);
    }
    this.#freshest = sequences.at(-1)?.pass ?? null;
  }

  async #embed(pass: Pass, batch: BatchTensors, y: Tensor): Promise<void> {
    const { workspace, weights } = this;
    const { rows, ids } = batch;
    const saved = activeTrainable(pass)?.vocabulary('embedding');
    if (saved) {
      embed(pass, { weight: saved, tokens: batch.tokens, y });
    } else {
      const found = await weights.embedding(ids);
      let { tokens } = batch;
      if (found.rows !== ids) {
        tokens = workspace.get('embedding rows', 'u32', [rows]);
        upload(this.gpu, tokens, found.rows);
      }
      embed(pass, { weight: found.weight, tokens, y });
    }
    this.#endPart();
  }

  /**
   * Weights and block inputs that are overwritten outside these commands require the commands that read them to be
   * submitted first.
   */
  #endPart(): void {
    if (this.weights.streams || this.spill) this.commands.submit();
    else this.commands.maySubmit();
  }

  /** On a dry device, micro-batches of equal length need no more memory than one. */
  #counted<S extends { pass: Pass }>(sequences: readonly S[]): readonly S[] {
    if (!this.gpu.dry) return sequences;
    return [...new Map(sequences.map((sequence) => [sequence.pass.rows, sequence])).values()];
  }

  /**
   * Runs the gradient back through the blocks, down to the lowest one with trained parameters.
   * @param hidden the result of `forward` with `keep`
   * @param dHidden [T, d] f32, d loss/d hidden[layers]; overwritten
   * @param grads in the layout of the trained parameters; accumulated into
   */
  async backward(
    pass: Pass,
    hidden: readonly Tensor[],
    dHidden: Tensor,
    grads: ParameterBuffers,
  ): Promise<void> {
    await this.backwardAll([{ pass, inputs: inputsOnGpu(hidden), dHidden }], grads);
  }

  /** The backward pass of several micro-batches, as in `forwardAll`: gradients accumulate in their order. */
  async backwardAll(
    sequences: readonly { pass: Pass; inputs: BlockInputs; dHidden: Tensor }[],
    grads: ParameterBuffers,
  ): Promise<void> {
    const [first] = sequences;
    if (!first) return;
    const trained = activeTrainable(first.pass);
    const lowest = trained?.lowestLayer ?? Infinity;
    // Limits how many inputs read from disk are queued; writing waits by itself.
    const pace = this.spill && new Pace(this.gpu, STEPS_AHEAD);
    const counted = this.#counted(sequences);
    for (let layer = this.spec.layers - 1; layer >= lowest; layer--) {
      const frozen = await this.weights.block(layer);
      this.weights.prefetch(ahead(layer, lowest, this.spec.layers - 1));
      for (const [i, { pass, inputs, dHidden }] of counted.entries()) {
        const x = await inputs.take(layer);
        const next = counted[i + 1];
        if (next) next.inputs.prefetch(layer);
        else if (layer > lowest) first.inputs.prefetch(layer - 1);
        // The last block's activations are still there if no other pass has used the workspace since.
        // They are those of the exact input: with another, results would depend on what used the workspace.
        const isFresh = (inputs.exact && this.#freshest === pass) || this.#storing === pass;
        this.#freshest = null;
        const weights = activeTrainable(pass)?.block(layer) ?? frozen;
        this.commands.scope(`layer ${layer}`, () =>
          blockBackward(this.#inBlock(pass, layer), layer, weights, { x, dHidden, grads, isFresh }),
        );
        this.#endPart();
        await pace?.step();
      }
      this.weights.release(layer);
    }
    // Some gradients were computed in place of the activations.
    this.#storing = null;
    const [weight, gradient] = [trained?.vocabulary('embedding'), trained?.vocabulary('embedding', grads)];
    if (!weight || !gradient) return;
    for (const { pass, dHidden } of sequences) embedBackward(pass, { weight, gradient, dHidden });
  }

  /** Frees the scratch memory; weights belong to their source. */
  dispose(): void {
    this.workspace.dispose();
    this.commands.dispose();
    this.#rotations.dispose();
  }
}
