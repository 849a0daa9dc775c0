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
    const { workspace, commands, spec } = this;
    const shape = [batch.rows, spec.hiddenSize];
    const hidden = Array.from({ length: spec.layers + 1 }, (_, layer) =>
      keep ? workspace.get(`hidden ${layer}`, 'f32', shape, 'kept') : workspace.get('hidden', 'f32', shape),
    );
    const trained = savedWeight(pass, 'embedding');
    const table = trained ?? (await this.weights.embedding());
    embedding(commands, { weight: table, tokens: batch.tokens, y: hidden[0]!, rows: batch.rows });
    for (let layer = 0; layer < spec.layers; layer++) {
      const weights = await this.weights.block(layer);
      blockForward(pass, layer, weights, {
        x: hidden[layer]!,
        y: hidden[layer + 1]!,
        cache: caches?.[layer],
      });
      // One submit a block keeps each well under the time after which systems kill a submit.
      commands.submit();
      this.weights.release(layer);
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
    const table = savedWeight(pass, 'embedding', grads);
    const lowest = table ? 0 : Math.min(...(pass.adapter?.modules.map((m) => m.layer) ?? []));
    for (let layer = this.spec.layers - 1; layer >= lowest; layer--) {
      const weights = await this.weights.block(layer);
      blockBackward(pass, layer, weights, { x: hidden[layer]!, dHidden, grads });
      this.commands.submit();
      this.weights.release(layer);
    }
    if (table && pass.tokenPlaces) {
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
