import type { PreviewPiece } from '../../../../hosts/browser/dataProtocol.ts';

/** Adjacent pieces of one use. */
export interface PreviewRun {
  use: 'trained' | 'masked' | 'cut';
  pieces: PreviewPiece[];
}

/** Adjacent runs that belong to one part, such as a thought. */
export interface PreviewPart {
  kind: PreviewPiece['kind'];
  /** The number of the turn that starts here, if each turn is a row. */
  turn?: number;
  /** The answer of preference data that starts here. */
  answer?: NonNullable<PreviewPiece['answer']>;
  runs: PreviewRun[];
}

/** Groups the pieces of a row by part, then by use. */
export function previewRuns(pieces: readonly PreviewPiece[]): PreviewPart[] {
  const parts: PreviewPart[] = [];
  for (const piece of pieces) {
    const { kind, turn, answer } = piece;
    let part = parts.at(-1);
    if (!part || part.kind !== kind || turn !== undefined || answer !== undefined) {
      const begins = { ...(turn !== undefined && { turn }), ...(answer !== undefined && { answer }) };
      parts.push((part = { kind, runs: [], ...begins }));
    }
    const use = piece.cut ? 'cut' : piece.trained ? 'trained' : 'masked';
    const last = part.runs.at(-1);
    if (last?.use === use) last.pieces.push(piece);
    else part.runs.push({ use, pieces: [piece] });
  }
  return parts;
}
