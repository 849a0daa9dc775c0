/** What of a run stays on disk while it does not compute. None of it changes a bit of the result. */
export interface Streaming {
  /** Blocks on the GPU at once, the others on disk; null for all of them on the GPU. */
  slots: number | null;
  /** Embedding and head come from disk too, some rows at a time. */
  ends: boolean;
  /** The inputs of blocks wait on disk for their backward pass. */
  spill: boolean;
}

/** Everything stays on the GPU. */
export const resident: Streaming = { slots: null, ends: false, spill: false };

/** Whether anything comes from disk. */
export function streams({ slots, ends, spill }: Streaming): boolean {
  return slots !== null || ends || spill;
}
