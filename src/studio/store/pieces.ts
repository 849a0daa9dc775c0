import type { ChatAnswer } from '../../hosts/browser/projectsProtocol.ts';
import type { AnswerPiece } from '../../hosts/browser/protocol.ts';

/** Tokens of answers, as long as the page is open: projects keep texts alone. */
const known = new WeakMap<ChatAnswer, readonly AnswerPiece[]>();

export function keepPieces(answer: ChatAnswer, pieces: readonly AnswerPiece[]): void {
  known.set(answer, pieces);
}

/** The tokens of an answer with their probabilities; null for one that was given before the page was opened. */
export function piecesOf(answer: ChatAnswer): readonly AnswerPiece[] | null {
  return known.get(answer) ?? null;
}
