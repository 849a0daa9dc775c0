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

/** What stays on disk, in words; null where nothing does. @param layers of the model */
export function describeStreaming({ slots, ends, spill }: Streaming, layers: number): string | null {
  const parts = [
    slots === null ? null : `all but ${slots} of ${layers} blocks`,
    ends ? 'the vocabulary' : null,
    spill ? 'the inputs of blocks' : null,
  ].filter((part) => part !== null);
  return parts.length === 0 ? null : `On disk until needed: ${parts.join(', ')}.`;
}
