import type { PreviewPiece } from '../../workers/dataProtocol.ts';

/** Neighbouring pieces of one use. */
export interface PreviewRun {
  use: 'trained' | 'masked' | 'cut';
  pieces: PreviewPiece[];
}

/** Neighbouring runs that are part of one thing, such as a thought. */
export interface PreviewPart {
  kind: PreviewPiece['kind'];
  /** The number of the turn whose row begins with it, where each turn is a row. */
  turn?: number;
  runs: PreviewRun[];
}

/** The pieces of a row by what they are part of, then by their use. */
export function previewRuns(pieces: readonly PreviewPiece[]): PreviewPart[] {
  const parts: PreviewPart[] = [];
  for (const piece of pieces) {
    const { kind, turn } = piece;
    let part = parts.at(-1);
    if (!part || part.kind !== kind || turn !== undefined) {
      parts.push((part = { kind, runs: [], ...(turn !== undefined && { turn }) }));
    }
    const use = piece.cut ? 'cut' : piece.trained ? 'trained' : 'masked';
    const last = part.runs.at(-1);
    if (last?.use === use) last.pieces.push(piece);
    else part.runs.push({ use, pieces: [piece] });
  }
  return parts;
}
