/** What a run streams from disk instead of holding it in GPU memory. Never changes a bit of the result. */
export interface Streaming {
  /** Blocks on the GPU at a time, the others on disk; null for all on the GPU. */
  slots: number | null;
  /** Whether embedding and head are streamed too, some rows at a time. */
  ends: boolean;
  /** Whether block inputs are stored on disk until their backward pass. */
  spill: boolean;
}

/** Everything stays on the GPU. */
export const resident: Streaming = { slots: null, ends: false, spill: false };

/** Whether anything is streamed. */
export function streams({ slots, ends, spill }: Streaming): boolean {
  return slots !== null || ends || spill;
}

/**
 * Describes what stays on disk; null if nothing does.
 * @param layers number of blocks of the model
 */
export function describeStreaming({ slots, ends, spill }: Streaming, layers: number): string | null {
  const parts = [
    slots === null ? null : `all but ${slots} of ${layers} blocks`,
    ends ? 'the vocabulary' : null,
    spill ? 'the inputs of blocks' : null,
  ].filter((part) => part !== null);
  return parts.length === 0 ? null : `On disk until needed: ${parts.join(', ')}.`;
}
