/** What is to be reported of a row that can be trained on. */
export const noteCodes = ['literalTokens', 'thoughtsDropped', 'messageRewritten', 'alreadyRendered'] as const;
export type NoteCode = (typeof noteCodes)[number];

export interface RowNotes {
  codes: readonly NoteCode[];
  /** Tokens of thoughts that the template drops. */
  droppedThoughtTokens: number;
}

/** The notes as bits, in the order of {@link noteCodes}. */
export function noteBits(notes: RowNotes | undefined): number {
  return (notes?.codes ?? []).reduce((bits, code) => bits | (1 << noteCodes.indexOf(code)), 0);
}

/** Whether the bits include the note. */
export function hasNote(bits: number, code: NoteCode): boolean {
  return (bits & (1 << noteCodes.indexOf(code))) !== 0;
}
