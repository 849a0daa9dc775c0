import type { Tensor } from '../gpu/tensor.ts';
import type { SpillFile } from './spillFile.ts';
import type { Workspace } from './workspace.ts';

/** The residual stream of a micro-batch before each block, and after the last: all [T, d] f32. */
export interface BlockInputs {
  /** What goes to the head. */
  readonly last: Tensor;
  /** Where a block writes what comes after it; for the one before `layer` 0, the embedding. */
  before(layer: number): Tensor;
  /** Keeps what is before a block, which has been submitted, until its backward pass. */
  keep(layer: number): Promise<void>;
  /** What was kept; it holds until the next is taken, by commands that are submitted before that. */
  take(layer: number): Promise<Tensor>;
  /** Says which is taken next. */
  prefetch(layer: number): void;
}

/** Every input in a tensor of its own: [0] is the embedding, [layers] goes to the head. */
export function inputsOnGpu(hidden: readonly Tensor[]): BlockInputs {
  return {
    last: hidden.at(-1)!,
    before: (layer) => hidden[layer]!,
    keep: async () => undefined,
    take: async (layer) => hidden[layer]!,
    prefetch: () => undefined,
  };
}

/**
 * One tensor that goes through all blocks; what is before each is written to disk.
 * @param name tells its tensor from those of other micro-batches
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
