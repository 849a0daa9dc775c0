import type { Recipe } from '../../../base/config/recipe.ts';
import type { Tensor } from '../../gpu/tensor.ts';
import type { SpillFile } from './spillFile.ts';
import type { Workspace } from './workspace.ts';

/** How the inputs of blocks are kept until their backward pass: as they are, or in fewer bits. */
export type KeptInputs = Recipe['kept_inputs'];

/** The residual stream of a micro-batch before each block, and after the last: all [T, d] f32. */
export interface BlockInputs {
  /** The input of the head. */
  readonly last: Tensor;
  /** Whether what is taken is what was kept, bit for bit. */
  readonly exact: boolean;
  /** The input of block `layer`, which the block before it writes; the embedding for 0. */
  before(layer: number): Tensor;
  /** Stores the submitted input of a block until its backward pass. */
  keep(layer: number): Promise<void>;
  /** A stored input. Valid until the next call; commands that read it must be submitted before that. */
  take(layer: number): Promise<Tensor>;
  /** Starts reading the input to be taken next. */
  prefetch(layer: number): void;
}

/** All inputs on the GPU: [0] is the embedding, [layers] the input of the head. */
export function inputsOnGpu(hidden: readonly Tensor[]): BlockInputs {
  return {
    last: hidden.at(-1)!,
    exact: true,
    before: (layer) => hidden[layer]!,
    keep: async () => undefined,
    take: async (layer) => hidden[layer]!,
    prefetch: () => undefined,
  };
}

/**
 * One tensor passes through all blocks; the input of each is written to disk.
 * @param name distinguishes its tensor from those of other micro-batches
 */
export function inputsOnDisk(
  spill: SpillFile,
  workspace: Workspace,
  shape: readonly number[],
  name: string,
): BlockInputs {
  const stream = workspace.get(`hidden${name}`, 'f32', shape, 'kept');
  const key = (layer: number) => `${layer}${name}`;
  return {
    last: stream,
    exact: true,
    before: () => stream,
    keep: (layer) => spill.save(key(layer), stream),
    async take(layer) {
      const input = workspace.get('block input', 'f32', shape, 'kept');
      await spill.load(key(layer), input);
      return input;
    },
    prefetch: (layer) => spill.prefetch(key(layer)),
  };
}
