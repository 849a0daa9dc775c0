import type { AddedMessage } from '../../hosts/browser/dataProtocol.ts';
import type { ChatAnswer, ChatTurn } from '../../hosts/browser/projectsProtocol.ts';
import type { Prompt } from '../../hosts/browser/protocol.ts';
import type { Side } from './state/tryout.ts';

/** A turn nobody has answered yet. */
export function newTurn(kind: ChatTurn['kind'], user: string): ChatTurn {
  return { kind, user, attempt: 0, answers: { left: null, right: null } };
}

/**
 * The messages of a side up to the user's turn `at`: the system message on top, its own answers in between. Texts to
 * continue are no part of the conversation, and neither are turns that this side has not answered.
 */
export function messagesOf(
  turns: readonly ChatTurn[],
  at: number,
  side: Side,
  system: string,
): AddedMessage[] {
  const messages: AddedMessage[] = system.trim() ? [{ role: 'system', content: system }] : [];
  for (const { kind, user, answers } of turns.slice(0, at)) {
    const answer = answers[side];
    if (kind !== 'chat' || !answer) continue;
    messages.push({ role: 'user', content: user }, { role: 'assistant', content: answer.text });
  }
  return [...messages, { role: 'user', content: turns[at]!.user }];
}

/** What a side is asked at a turn. */
export function promptOf(
  turns: readonly ChatTurn[],
  at: number,
  side: Side,
  system: string,
  templateArgs: Record<string, unknown>,
): Prompt {
  const turn = turns[at]!;
  if (turn.kind === 'text') return { kind: 'text', text: turn.user };
  return { kind: 'chat', messages: messagesOf(turns, at, side, system), templateArgs };
}

/** The turns with an answer of a side. */
export function withAnswer(
  turns: readonly ChatTurn[],
  at: number,
  side: Side,
  answer: ChatAnswer,
): readonly ChatTurn[] {
  return turns.map((turn, i) =>
    i === at ? { ...turn, answers: { ...turn.answers, [side]: answer } } : turn,
  );
}

/** The turns up to one whose text is replaced: what followed answered the text before. */
export function withEdit(turns: readonly ChatTurn[], at: number, user: string): readonly ChatTurn[] {
  return [...turns.slice(0, at), newTurn(turns[at]!.kind, user)];
}

/** The turns with the last to be asked again. */
export function withRetry(turns: readonly ChatTurn[]): readonly ChatTurn[] {
  return turns.map((turn, i) =>
    i === turns.length - 1
      ? { ...turn, attempt: turn.attempt + 1, answers: { left: null, right: null } }
      : turn,
  );
}

/** The next answer to give, by turns and in each from left to right; null where all sides have answered. */
export function nextQuestion(
  turns: readonly ChatTurn[],
  sides: readonly Side[],
): { turn: number; side: Side } | null {
  for (const [turn, { answers }] of turns.entries()) {
    const side = sides.find((one) => answers[one] === null);
    if (side) return { turn, side };
  }
  return null;
}

/** The seed of a turn's answers: another one each time it is asked again, the same on both sides. */
export function seedOf(seed: number, { attempt }: Pick<ChatTurn, 'attempt'>): number {
  return (seed + attempt) % 0x1_0000_0000;
}
