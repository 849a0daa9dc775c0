import type { Commands } from '../gpu/commands.ts';
import type { Gpu } from '../gpu/device.ts';
import type { ElementType, Tensor } from '../gpu/tensor.ts';
import { upload } from '../gpu/transfer.ts';
import { embedding, embeddingBackward } from '../kernels/embedding.ts';
import { ropeFrequencies } from '../kernels/ropeFrequencies.ts';
import type { BatchTensors } from './batchTensors.ts';
import { inputsOnDisk, inputsOnGpu, type BlockInputs } from './blockInputs.ts';
import { blockBackward, blockForward, type LayerCache } from './block.ts';
import { Pace, STEPS_AHEAD } from './pace.ts';
import type { Dropout, Pass } from './pass.ts';
import type { ParameterBuffers } from './parameters.ts';
import type { DecoderSpec } from './spec.ts';
import type { SpillFile } from './spillFile.ts';
import { inUse, type Trainable } from './trainable.ts';
import type { WeightSource } from './weights.ts';
import { mlpRows } from './wideTensors.ts';
import { Workspace } from './workspace.ts';

/** Blocks told ahead: as many as there may be slots besides that of the block that computes. */
const TOLD_AHEAD = 2;

/** The blocks after one on the way to `end`, from where the way goes back: to the backward pass, or the next step. */
function ahead(layer: number, end: number, start: number): number[] {
  const step = end >= start ? 1 : -1;
  const left = Math.abs(end - layer);
  return Array.from({ length: TOLD_AHEAD }, (_, i) => {
    if (i < left) return layer + (i + 1) * step;
    // Forwards ends with the block that backwards begins with, which is there.
    return step === 1 ? end - 1 - (i - left) : i - left;
  }).filter((next) => next >= 0 && next <= Math.max(end, start) && next !== layer);
}

/** How a pass treats what was trained: an adapter, or the whole model. */
export interface AdapterUse {
  adapter: Trainable | null;
  strength: number;
  dropout: Dropout | null;
}

/** The base model alone. */
export const withoutAdapter: AdapterUse = { adapter: null, strength: 0, dropout: null };

/** A micro-batch on its way through the blocks; `name` tells its tensors from those of others that go with it. */
export interface Sequence {
  pass: Pass;
  batch: BatchTensors;
  name?: string;
}

/** A decoder on the GPU: runs tokens through its blocks, forwards and backwards. */
export class Decoder {
  readonly gpu: Gpu;
  readonly spec: DecoderSpec;
  readonly weights: WeightSource;
  /** Element type of the activations inside a block. */
  readonly type: ElementType;
  readonly workspace: Workspace;
  readonly commands: Commands;
  /** Where block inputs wait for their backward pass; null keeps them on the GPU. */
  readonly spill: SpillFile | null;
  readonly #inverseFrequencies: Tensor;
  /** The pass whose last block was the last to use the workspace. */
  #freshest: Pass | null = null;
  /** The pass whose blocks have all kept their activations for its backward pass. */
  #kept: Pass | null = null;

  constructor(
    gpu: Gpu,
    spec: DecoderSpec,
    weights: WeightSource,
    type: ElementType,
    spill: SpillFile | null = null,
  ) {
    this.gpu = gpu;
    this.spec = spec;
    this.weights = weights;
    this.type = type;
    this.spill = spill;
    this.workspace = new Workspace(gpu);
    this.commands = gpu.commands();
    const frequencies = ropeFrequencies({ headDim: spec.headDim, ...spec.rope });
    this.#inverseFrequencies = gpu.memory.tensor('f32', [spec.headDim / 2], 'rope frequencies');
    upload(gpu, this.#inverseFrequencies, frequencies);
  }

  /** What the layers need to know of a pass over `batch`. */
  pass(batch: BatchTensors, use: AdapterUse): Pass {
    return {
      ...use,
      commands: this.commands,
      workspace: this.workspace,
      spec: this.spec,
      type: this.type,
      rows: batch.rows,
      positions: batch.positions,
      segmentStart: batch.segmentStart,
      segmentEnd: batch.segmentEnd,
      tokenPlaces: batch.tokenPlaces,
      inverseFrequencies: this.#inverseFrequencies,
      kept: '',
    };
  }

  /** A pass as a block sees it: with activations of the block's own where they are kept. */
  #inBlock(pass: Pass, layer: number): Pass {
    return pass === this.#kept ? { ...pass, kept: ` ${layer}` } : pass;
  }

  /** Decides before a forward pass that a backward pass follows whether activations stay for it. */
  #keep(sequences: readonly { pass: Pass }[]): void {
    const [first] = sequences;
    // Of a second half that comes in parts only the last is there at the end.
    const keeps =
      first !== undefined &&
      sequences.length === 1 &&
      inUse(first.pass)?.keepsActivations &&
      mlpRows(first.pass) === first.pass.rows;
    this.#kept = keeps ? first.pass : null;
  }

  /**
   * Runs a micro-batch through every block. Returns the residual stream after each: [0] is the embedding,
   * [layers] goes to the head; all [T, d] f32. With `keep`, each has a tensor of its own, for `backward`;
   * without, they are one tensor that holds the last.
   * @param caches earlier keys and values by layer, when decoding
   */
  async forward(pass: Pass, batch: BatchTensors, keep: boolean, caches?: LayerCache[]): Promise<Tensor[]> {
    const { workspace, spec } = this;
    const shape = [batch.rows, spec.hiddenSize];
    const hidden = Array.from({ length: spec.layers + 1 }, (_, layer) =>
      keep ? workspace.get(`hidden ${layer}`, 'f32', shape, 'kept') : workspace.get('hidden', 'f32', shape),
    );
    if (keep) this.#keep([{ pass }]);
    await this.#forwardThrough([{ pass, batch, inputs: inputsOnGpu(hidden) }], caches);
    return hidden;
  }

  /**
   * The same for several micro-batches, which `backwardAll` follows: all of them pass a block while it is there, so that
   * weights which come from disk come once for all.
   */
  async forwardAll(sequences: readonly Sequence[]): Promise<BlockInputs[]> {
    const { workspace, spec, spill } = this;
    await spill?.clear();
    const all = sequences.map(({ batch, name = '' }) => {
      const shape = [batch.rows, spec.hiddenSize];
      if (spill) return inputsOnDisk(spill, workspace, shape, name);
      const hidden = Array.from({ length: spec.layers + 1 }, (_, layer) =>
        workspace.get(`hidden ${layer}${name}`, 'f32', shape, 'kept'),
      );
      return inputsOnGpu(hidden);
    });
    this.#keep(sequences);
    await this.#forwardThrough(sequences.map((sequence, i) => ({ ...sequence, inputs: all[i]! })));
    return all;
  }

  async #forwardThrough(
    sequences: readonly (Sequence & { inputs: BlockInputs })[],
    caches?: LayerCache[],
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
        const weights = inUse(pass)?.block(layer) ?? frozen;
        commands.scope(`layer ${layer}`, () =>
          blockForward(this.#inBlock(pass, layer), layer, weights, { x, y, cache: caches?.[layer] }),
        );
        this.#endPart();
      }
      source.release(layer);
    }
    this.#freshest = sequences.at(-1)?.pass ?? null;
  }

  async #embed(pass: Pass, batch: BatchTensors, y: Tensor): Promise<void> {
    const { commands, workspace, weights } = this;
    const { rows, ids } = batch;
    const saved = inUse(pass)?.vocabulary('embedding');
    if (saved) {
      embedding(commands, { weight: saved, tokens: batch.tokens, y, rows });
    } else {
      const found = await weights.embedding(ids);
      let { tokens } = batch;
      if (found.rows !== ids) {
        tokens = workspace.get('embedding rows', 'u32', [rows]);
        upload(this.gpu, tokens, found.rows);
      }
      embedding(commands, { weight: found.weight, tokens, y, rows });
    }
    this.#endPart();
  }

  /** What writes over weights or block inputs outside of the commands must find those that read them submitted. */
  #endPart(): void {
    if (this.weights.streams || this.spill) this.commands.submit();
    else this.commands.maySubmit();
  }

  /** On a dry device, a micro-batch as long as one before takes no more memory in a block. */
  #counted<S extends { pass: Pass }>(sequences: readonly S[]): readonly S[] {
    if (!this.gpu.dry) return sequences;
    return [...new Map(sequences.map((sequence) => [sequence.pass.rows, sequence])).values()];
  }

  /**
   * Runs the gradient back through the blocks, down to the lowest one that trains something.
   * @param hidden what `forward` kept
   * @param dHidden [T, d] f32, d loss/d hidden[layers]; overwritten
   * @param grads in the layout of the trained parameters; added to
   */
  async backward(
    pass: Pass,
    hidden: readonly Tensor[],
    dHidden: Tensor,
    grads: ParameterBuffers,
  ): Promise<void> {
    await this.backwardAll([{ pass, inputs: inputsOnGpu(hidden), dHidden }], grads);
  }

  /** The same for several micro-batches, as in `forwardAll`: gradients add up in their order. */
  async backwardAll(
    sequences: readonly { pass: Pass; inputs: BlockInputs; dHidden: Tensor }[],
    grads: ParameterBuffers,
  ): Promise<void> {
    const [first] = sequences;
    if (!first) return;
    const trained = inUse(first.pass);
    const lowest = trained?.lowestLayer ?? Infinity;
    // What comes back from disk must not wait in the queue all at once; writing it has a pace of its own.
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
        // What the last block made on the way forwards is still there when nothing has passed it since.
        const isFresh = this.#freshest === pass || this.#kept === pass;
        this.#freshest = null;
        const weights = inUse(pass)?.block(layer) ?? frozen;
        this.commands.scope(`layer ${layer}`, () =>
          blockBackward(this.#inBlock(pass, layer), layer, weights, { x, dHidden, grads, isFresh }),
        );
        this.#endPart();
        await pace?.step();
      }
      this.weights.release(layer);
    }
    // The gradients of some were made in their place.
    this.#kept = null;
    const table = trained?.vocabulary('embedding', grads);
    for (const { pass, dHidden } of sequences) {
      if (!table || !pass.tokenPlaces) continue;
      embeddingBackward(this.commands, { dy: dHidden, at: pass.tokenPlaces, gradient: table });
    }
  }

  /** Frees the scratch memory; the weights belong to their source. */
  dispose(): void {
    this.workspace.dispose();
    this.commands.dispose();
    this.gpu.memory.free(this.#inverseFrequencies);
  }
}
