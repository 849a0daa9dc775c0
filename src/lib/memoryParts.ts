/** What GPU memory is used for, in the order it is shown. */
export const memoryParts = [
  /** The frozen model. */
  'weights',
  /** A and B of every module. */
  'adapter',
  'gradients',
  /** m and v of AdamW. */
  'optimizer',
  /** The block inputs that the forward pass keeps for the backward pass. */
  'kept',
  /** Everything else of a pass, which all blocks share. */
  'activations',
  /** From the last block to the loss: supervised rows, a chunk of logits. */
  'loss',
  /** Pieces of files on their way, and what is read back. */
  'staging',
  'other',
] as const;

export type MemoryPart = (typeof memoryParts)[number];
