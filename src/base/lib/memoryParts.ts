/** Uses of GPU memory, in display order. */
export const memoryParts = [
  /** The frozen model. */
  'weights',
  /** A and B of every module. */
  'adapter',
  'gradients',
  /** m and v of AdamW. */
  'optimizer',
  /** The block inputs that the forward pass retains for the backward pass. */
  'kept',
  /** Other tensors of a pass, shared by all blocks. */
  'activations',
  /** From the last block to the loss: supervised rows, a chunk of logits. */
  'loss',
  /** Upload and readback buffers. */
  'staging',
  'other',
] as const;

export type MemoryPart = (typeof memoryParts)[number];
