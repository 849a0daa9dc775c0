import type { PeftAdapter, PeftConfig } from '../../../content/formats/peft.ts';
import type { PeftSaved } from '../../../content/formats/peftSaved.ts';
import type { Gpu } from '../../gpu/device.ts';
import type { Tensor } from '../../gpu/tensor.ts';
import type { Weight } from '../../kernels/weight.ts';
import type { LoraGroup, LoraPair } from './loraGroup.ts';
import type { MoveValues } from './loraLayout.ts';
import type { ParameterBuffers, Segment } from '../decoder/parameters.ts';
import type { FusedGroup } from '../spec/fusedProjections.ts';
import type { VocabularyRole } from '../weights/vocabulary.ts';
import type { BlockWeights } from '../weights/weights.ts';
import type { LoraShape } from './loraModules.ts';

/** What an adapter_config.json says beyond the matrices: new settings, or those of the adapter it continues. */
export type AdapterDescription = { base: string; dropout: number } & (
  | (Omit<LoraShape, 'targets'> & {
      /** Modules whose parts get no adapter, whatever they are called. */
      excluded?: readonly string[];
    })
  | { from: PeftConfig }
);

/**
 * What a run trains: f32 parameters in few long buffers, which a pass uses in addition to the model's weights (LoRA) or
 * instead of them. It is all that optimizer and training step depend on. Methods with `buffers` return views of the
 * parameters, or of gradients in the same layout.
 */
export interface Trainable {
  /** An adapter beside the model's own weights, or all of a model's parameters in their place. */
  readonly kind: 'adapter' | 'model';
  readonly gpu: Gpu;
  readonly params: ParameterBuffers;
  /** The contents of each buffer. */
  readonly segments: readonly Segment[];
  /** Number of trained parameters. */
  readonly parameters: number;
  /** The lowest block that the backward pass has to reach; Infinity if it need not reach any. */
  readonly lowestLayer: number;
  /**
   * Whether the activations of all blocks are stored for the backward pass, rather than recomputed from block inputs
   * (gradient checkpointing): a quarter less computation for several times the memory.
   */
  readonly keepsActivations: boolean;
  /** Zeroed gradient buffers in the layout of the parameters. */
  makeGradients(): ParameterBuffers;
  /** LoRA of fused projections, or null. */
  group(layer: number, group: FusedGroup, buffers?: ParameterBuffers): LoraGroup | null;
  /** LoRA of one layer, such as those of a block's experts, whose A and B lie one after the other; or null. */
  pair(layer: number, path: string, buffers?: ParameterBuffers): LoraPair | null;
  /** Trained biases [out] of fused projections, each null where the model's own stays; null if there are none. */
  biases(layer: number, group: FusedGroup): readonly (Tensor | null)[] | null;
  /** LoRA on the output head, or null. */
  headLora(buffers?: ParameterBuffers): LoraPair | null;
  /** A block's weights that replace the model's own, or null. */
  block(layer: number, buffers?: ParameterBuffers): BlockWeights | null;
  /** An embedding or head that replaces the model's own, or null. */
  vocabulary(role: VocabularyRole, buffers?: ParameterBuffers): Weight | null;
  /** A final norm weight that replaces the model's own, or null. */
  finalNorm(buffers?: ParameterBuffers): Tensor | null;
  /** Every trained matrix under its name in files: PEFT's of an adapter, the model's own of a model. A vector is one row. */
  named(): Iterable<NamedWeight>;
  /** This, where its rank can change during a run (LoRA); null for a model. */
  readonly growable: Growable | null;
  /** Reads an adapter back as the contents of a PEFT folder. Throws `train.full_no_adapter` for a model. */
  toPeft(about: AdapterDescription): Promise<PeftAdapter>;
  /** The values that a model's parameters have now, read back as they are asked for; null for an adapter. */
  trainedModel(): TrainedModel | null;
  dispose(): void;
}

/** A trained matrix and its name in files. */
export interface NamedWeight {
  name: string;
  weight: Weight;
  /** The head that an embedding is as well, where PEFT trained it as such. */
  tiesHead?: string | undefined;
}

/** Something trained whose rank can change during a run. */
export interface Growable extends Trainable {
  /** The rank of its modules; all have the same once it was set. */
  readonly rank: number;
  /**
   * Gives every module another rank, its scale unchanged. The parameters are zero afterwards, in new buffers; what was
   * made for the buffers before (gradients, optimizer states) no longer fits.
   * @returns moves values of the layout before, an array a buffer, to where they belong in the new one
   */
  setRank(rank: number): MoveValues;
  /** Gives the rows of A from `rank` on the values they would have begun the run with. */
  initializeFrom(rank: number, seed: number): void;
}

/**
 * The tensors of a model of which every parameter was trained, off the GPU, by their names in checkpoints; a vector is
 * one row. They are read some rows at a time, from wherever they are.
 */
export type TrainedModel = ReadonlyMap<string, PeftSaved>;

/** What a pass uses of something trained: nothing of it at strength 0. */
export function activeTrainable({
  adapter,
  strength,
}: {
  adapter: Trainable | null;
  strength: number;
}): Trainable | null {
  return strength === 0 ? null : adapter;
}
