import type { Commands } from '../gpu/commands.ts';
import type { Gpu } from '../gpu/device.ts';
import type { ElementType, Tensor } from '../gpu/tensor.ts';
import { upload } from '../gpu/transfer.ts';
import { embedding, embeddingBackward } from '../kernels/embedding.ts';
import { ropeFrequencies } from '../kernels/ropeFrequencies.ts';
import type { BatchTensors } from './batchTensors.ts';
import { blockBackward, blockForward, type LayerCache } from './block.ts';
import type { LoraAdapter } from './loraAdapter.ts';
import type { Dropout, Pass } from './pass.ts';
import type { ParameterBuffers } from './parameters.ts';
import { savedWeight } from './savedModules.ts';
import type { DecoderSpec } from './spec.ts';
import type { WeightSource } from './weights.ts';
import { Workspace } from './workspace.ts';

/** How a pass treats the adapter. */
export interface AdapterUse {
  adapter: LoraAdapter | null;
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

/** A frozen decoder on the GPU: runs tokens through its blocks, forwards and backwards. */
export class Decoder {
  readonly gpu: Gpu;
  readonly spec: DecoderSpec;
  readonly weights: WeightSource;
  /** Element type of the activations inside a block. */
  readonly type: ElementType;
  readonly workspace: Workspace;
  readonly commands: Commands;
  readonly #inverseFrequencies: Tensor;

  constructor(gpu: Gpu, spec: DecoderSpec, weights: WeightSource, type: ElementType) {
    this.gpu = gpu;
    this.spec = spec;
    this.weights = weights;
    this.type = type;
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
    };
  }

  /**
   * Runs a micro-batch through every block. Returns the residual stream after each: [0] is the embedding,
   * [layers] goes to the head; all [T, d] f32. With `keep`, each has a tensor of its own, for `backward`;
   * without, they are one tensor that holds the last.
   * @param caches earlier keys and values by layer, when decoding
   */
  async forward(pass: Pass, batch: BatchTensors, keep: boolean, caches?: LayerCache[]): Promise<Tensor[]> {
    const [hidden] = await this.forwardAll([{ pass, batch }], keep, caches);
    return hidden!;
  }

  /**
   * The same for several micro-batches: all of them pass a block while it is there, so that weights which come from
   * disk come once for all.
   */
  async forwardAll(
    sequences: readonly Sequence[],
    keep: boolean,
    caches?: LayerCache[],
  ): Promise<Tensor[][]> {
    const { workspace, commands, spec, weights: source } = this;
    const hidden = sequences.map(({ batch, name = '' }) => {
      const shape = [batch.rows, spec.hiddenSize];
      return Array.from({ length: spec.layers + 1 }, (_, layer) =>
        keep
          ? workspace.get(`hidden ${layer}${name}`, 'f32', shape, 'kept')
          : workspace.get(`hidden${name}`, 'f32', shape),
      );
    });
    for (const [i, { pass, batch }] of sequences.entries()) {
      const weight = savedWeight(pass, 'embedding') ?? (await source.embedding());
      embedding(commands, { weight, tokens: batch.tokens, y: hidden[i]![0]!, rows: batch.rows });
    }
    for (let layer = 0; layer < spec.layers; layer++) {
      const weights = await source.block(layer);
      source.prefetch(layer + 1 < spec.layers ? layer + 1 : layer - 1);
      for (const [i, { pass }] of sequences.entries()) {
        const [x, y] = [hidden[i]![layer]!, hidden[i]![layer + 1]!];
        blockForward(pass, layer, weights, { x, y, cache: caches?.[layer] });
        // One submit a block keeps each well under the time after which systems kill a submit.
        commands.submit();
      }
      source.release(layer);
    }
    return hidden;
  }

  /**
   * Runs the gradient back through the blocks, down to the lowest one that has an adapter.
   * @param hidden what `forward` kept
   * @param dHidden [T, d] f32, d loss/d hidden[layers]; overwritten
   * @param grads in the layout of the adapter's parameters; added to
   */
  async backward(
    pass: Pass,
    hidden: readonly Tensor[],
    dHidden: Tensor,
    grads: ParameterBuffers,
  ): Promise<void> {
    await this.backwardAll([{ pass, hidden, dHidden }], grads);
  }

  /** The same for several micro-batches, as in `forwardAll`: gradients add up in their order. */
  async backwardAll(
    sequences: readonly { pass: Pass; hidden: readonly Tensor[]; dHidden: Tensor }[],
    grads: ParameterBuffers,
  ): Promise<void> {
    const [first] = sequences;
    if (!first) return;
    const { adapter } = first.pass;
    const table = savedWeight(first.pass, 'embedding', grads);
    const lowest = table ? 0 : Math.min(...(adapter?.modules.map((m) => m.layer) ?? []));
    for (let layer = this.spec.layers - 1; layer >= lowest; layer--) {
      const weights = await this.weights.block(layer);
      this.weights.prefetch(layer > lowest ? layer - 1 : 0);
      for (const { pass, hidden, dHidden } of sequences) {
        blockBackward(pass, layer, weights, { x: hidden[layer]!, dHidden, grads });
        this.commands.submit();
      }
      this.weights.release(layer);
    }
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
